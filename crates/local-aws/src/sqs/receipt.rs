use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::message::{QueueId, Seq};

const BODY_BYTES: usize = 20;
const SEAL_BYTES: usize = 8;

/// One delivery of one message: the queue, the message and the number of the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) queue: QueueId,
    pub(crate) seq: Seq,
    pub(crate) number: u32,
}

impl Receipt {
    /// Returns the receipt handle. It is opaque, and sealed so that a forged handle is distinguished from an old one.
    pub(crate) fn to_handle(self) -> String {
        let mut bytes = Vec::with_capacity(BODY_BYTES + SEAL_BYTES);
        bytes.extend(self.queue.0.to_be_bytes());
        bytes.extend(self.seq.0.to_be_bytes());
        bytes.extend(self.number.to_be_bytes());
        let seal = seal(&bytes);
        bytes.extend(seal);
        STANDARD.encode(bytes)
    }

    /// Returns the receipt of a handle; `None` for a forged handle.
    pub(crate) fn from_handle(handle: &str) -> Option<Self> {
        let bytes = STANDARD.decode(handle).ok()?;
        let (body, sealed) = bytes.split_at_checked(BODY_BYTES)?;
        if sealed != seal(body) {
            return None;
        }
        let (queue, rest) = body.split_first_chunk::<8>()?;
        let (seq, number) = rest.split_first_chunk::<8>()?;
        Some(Self {
            queue: QueueId(u64::from_be_bytes(*queue)),
            seq: Seq(u64::from_be_bytes(*seq)),
            number: u32::from_be_bytes(number.try_into().ok()?),
        })
    }
}

fn seal(body: &[u8]) -> [u8; SEAL_BYTES] {
    let digest = Sha256::new()
        .chain_update(b"receipt")
        .chain_update(body)
        .finalize();
    std::array::from_fn(|index| digest[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIPT: Receipt = Receipt {
        queue: QueueId(3),
        seq: Seq(1 << 40),
        number: 7,
    };

    #[test]
    fn a_handle_leads_back_to_its_receipt() {
        assert_eq!(Receipt::from_handle(&RECEIPT.to_handle()), Some(RECEIPT));
    }

    #[test]
    fn a_handle_that_was_tampered_with_or_made_up_is_none() {
        let handle = RECEIPT.to_handle();
        let mut other = Receipt {
            number: 8,
            ..RECEIPT
        }
        .to_handle();
        other.replace_range(30.., &handle[30..]);
        for bad in ["", "garbage", "Z2FyYmFnZQ==", &handle[1..], &other] {
            assert_eq!(Receipt::from_handle(bad), None, "{bad}");
        }
    }
}
