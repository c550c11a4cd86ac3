//! Scenarios over real connections, each on a stack of its own: the embedded one, or whatever `AWS_ENDPOINT_URL` names.

mod duplicates;
mod life;
mod malformed;
mod races;
mod reads;
mod recovery;
