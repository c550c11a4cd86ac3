//! Counts what a client sends and what it is charged for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsInput, TransactWriteItemsOutput,
};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

/// What was sent since it was last asked for.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Counts {
    /// Requests by operation, repeats included.
    pub(crate) requests: BTreeMap<String, usize>,
    /// Write units of what succeeded.
    pub(crate) write_units: f64,
}

/// An interceptor that asks for the capacity that writes consume and adds it up.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counter(Arc<Mutex<Counts>>);

impl Counter {
    /// Returns what was counted and starts anew.
    pub(crate) fn take(&self) -> Counts {
        std::mem::take(&mut *self.0.lock().expect("no holder panics"))
    }
}

/// Makes expected requests.
pub(crate) fn requests<const N: usize>(of: [(&str, usize); N]) -> BTreeMap<String, usize> {
    of.into_iter()
        .map(|(operation, count)| (operation.to_owned(), count))
        .collect()
}

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "Counter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let total = Some(ReturnConsumedCapacity::Total);
        let input = context.input_mut();
        if let Some(input) = input.downcast_mut::<TransactWriteItemsInput>() {
            input.return_consumed_capacity = total;
        } else if let Some(input) = input.downcast_mut::<UpdateItemInput>() {
            input.return_consumed_capacity = total;
        } else if let Some(input) = input.downcast_mut::<PutItemInput>() {
            input.return_consumed_capacity = total;
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target");
        let operation = target.and_then(|target| target.split_once('.'));
        let (_, operation) = operation.ok_or("a request without a target")?;
        let mut counts = self.0.lock().expect("no holder panics");
        *counts.requests.entry(operation.to_owned()).or_default() += 1;
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else {
            return Ok(());
        };
        let consumed = if let Some(output) = output.downcast_ref::<TransactWriteItemsOutput>() {
            output.consumed_capacity().to_vec()
        } else if let Some(output) = output.downcast_ref::<UpdateItemOutput>() {
            output.consumed_capacity().into_iter().cloned().collect()
        } else if let Some(output) = output.downcast_ref::<PutItemOutput>() {
            output.consumed_capacity().into_iter().cloned().collect()
        } else {
            Vec::new()
        };
        let units: f64 = consumed
            .iter()
            .filter_map(|of_table| of_table.capacity_units())
            .sum();
        self.0.lock().expect("no holder panics").write_units += units;
        Ok(())
    }
}
