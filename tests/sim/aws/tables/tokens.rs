use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::aws::ApiReply;

/// How long a token stands for its transaction.
const LIFE_MILLIS: u64 = 600_000;

/// The client request tokens of the transactions that were committed in the last ten minutes.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    committed: BTreeMap<String, Value>,
    /// In order of expiry, as all live equally long.
    expiries: VecDeque<(u64, String)>,
}

/// What a transaction's token says.
#[derive(Debug)]
pub(super) enum Claim {
    /// The same transaction was committed already.
    Done,
    /// It is to be carried out; a token is to be kept if that succeeds.
    New(Option<(String, Value)>),
}

impl Tokens {
    /// Looks up the token and takes it off the request, for dynoxide would look it up by the real clock.
    ///
    /// # Errors
    ///
    /// The token stands for another transaction.
    pub(super) fn claim(&mut self, request: &mut Value, now: u64) -> Result<Claim, ApiReply> {
        while let Some((_, token)) = self.expiries.pop_front_if(|(expiry, _)| *expiry <= now) {
            self.committed.remove(&token);
        }
        let token = request
            .as_object_mut()
            .and_then(|request| request.remove("ClientRequestToken"));
        let Some(Value::String(token)) = token else {
            return Ok(Claim::New(None));
        };
        let actions = &request["TransactItems"];
        match self.committed.get(&token) {
            None => Ok(Claim::New(Some((token, actions.clone())))),
            Some(committed) if committed == actions => Ok(Claim::Done),
            Some(_) => Err(ApiReply::fault(
                400,
                "IdempotentParameterMismatchException",
                "Parameters are different from previous requests with the same client request token",
            )),
        }
    }

    pub(super) fn keep(&mut self, token: Option<(String, Value)>, now: u64) {
        if let Some((token, actions)) = token {
            self.expiries.push_back((now + LIFE_MILLIS, token.clone()));
            self.committed.insert(token, actions);
        }
    }
}
