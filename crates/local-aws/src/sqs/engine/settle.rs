use super::{Effects, Engine, Queue, Write};
use crate::sqs::fault::Fault;
use crate::sqs::message::Delivery;
use crate::sqs::moment::Moment;
use crate::sqs::name::QueueName;
use crate::sqs::receipt::Receipt;
use crate::sqs::request::{Presence, VisibilityChange};

/// How long a message may stay in flight after one receive.
const MAX_IN_FLIGHT_SECONDS: u32 = 43_200;

impl Engine {
    /// Deletes the message of a receipt handle.
    ///
    /// Deleting a message that was deleted before succeeds. On a standard queue, each handle of the message deletes it, also after its
    /// visibility timeout and after it was received again. On a FIFO queue, both are refused.
    pub(super) fn delete(
        &mut self,
        name: &QueueName,
        handle: &str,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<(), Fault> {
        let queue = self.queue_mut(name)?;
        let receipt = receipt_for(queue, handle)?;
        queue.advance(now, effects);
        let Some((state, message)) = queue.get(receipt.seq) else {
            return Ok(());
        };
        let latest = message.delivery.receipt == receipt.number;
        match (latest, state, queue.is_fifo()) {
            (true, Presence::InFlight, true) | (_, _, false) => {
                queue.remove(receipt.seq);
                effects.write(Write::Remove(receipt.seq));
                effects.wake(queue.id);
                Ok(())
            }
            (false, _, true) | (true, Presence::Visible | Presence::Delayed, true) => {
                Err(Fault::expired_handle(handle))
            }
        }
    }

    /// Sets a new visibility timeout for the message of a receipt handle, from now; 0 shows it at once.
    ///
    /// On a standard queue, each handle of the message will do, and nothing happens if the visibility timeout has ended and the message was not
    /// received since.
    pub(super) fn change_visibility(
        &mut self,
        name: &QueueName,
        change: &VisibilityChange,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<(), Fault> {
        let queue = self.queue_mut(name)?;
        let receipt = receipt_for(queue, &change.handle)?;
        queue.advance(now, effects);
        let unavailable = || {
            let reason =
                "Message does not exist or is not available for visibility timeout change.";
            Fault::invalid_value(&change.handle, "ReceiptHandle", reason)
        };
        let (state, message) = queue.get(receipt.seq).ok_or_else(unavailable)?;
        let latest = message.delivery.receipt == receipt.number;
        match (latest, state, queue.is_fifo()) {
            (true, Presence::InFlight, true) | (_, Presence::InFlight, false) => {}
            (_, Presence::Visible | Presence::Delayed, false) => return Ok(()),
            (_, _, true) => return Err(Fault::expired_handle(&change.handle)),
        }
        let delivery = Delivery {
            visible_at: now.plus_seconds(change.seconds),
            ..message.delivery
        };
        let last = message
            .delivery
            .received
            .unwrap_or(now)
            .plus_seconds(MAX_IN_FLIGHT_SECONDS);
        if delivery.visible_at > last {
            let reason =
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]";
            return Err(Fault::invalid_value(
                change.seconds,
                "VisibilityTimeout",
                reason,
            ));
        }
        queue.set_delivery(receipt.seq, delivery, now);
        effects.write(Write::Deliver(receipt.seq, delivery));
        effects.wake(queue.id);
        Ok(())
    }
}

fn receipt_for(queue: &Queue, handle: &str) -> Result<Receipt, Fault> {
    Receipt::from_handle(handle)
        .filter(|receipt| receipt.queue == queue.id)
        .ok_or_else(|| Fault::bad_handle(handle))
}
