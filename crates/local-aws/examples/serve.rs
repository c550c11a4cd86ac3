//! Serves the three services until Ctrl-C: `cargo run -p local-aws --example serve -- <folder> <port>`.

use local_aws::{Config, LocalAws};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let data_dir = arguments.next().unwrap_or_else(|| "local-aws-data".into());
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let aws = LocalAws::start(Config {
        data_dir: data_dir.into(),
        port,
    })
    .await?;
    println!("AWS_ENDPOINT_URL={}", aws.endpoint_url());
    tokio::signal::ctrl_c().await?;
    aws.shutdown().await?;
    Ok(())
}
