// Sends one command and waits for its outcome.
//
//     node producer.mjs ID TYPE DATA
//
// Needs `npm install @aws-sdk/client-sqs`. Ends with 0 if the command was applied, with 3 if it was rejected, with 4 if nothing was heard of it.

import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';

import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';

const SOURCE = 'urn:school:javascript';
const PREFIX = process.env.ARTHOUSE_PREFIX ?? '';
const ATTEMPTS = 4;
const PATIENCE = 5_000;
// How often a payment is sent that overtakes its application, and how long it waits each time; real payments may wait for hours.
const PAYMENTS = 8;
const PAUSE = 2_000;

const sqs = new SQSClient();

async function queue(name) {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: `${PREFIX}arthouse-${name}.fifo` }));
  return QueueUrl;
}

// One CloudEvent. What is repeated must be the same, its id and its data: the time may differ.
function command(id, kind, data) {
  return {
    specversion: '1.0',
    id,
    source: SOURCE,
    type: `com.digitalarthouse.${kind}.v1`,
    time: new Date().toISOString(),
    correlationid: id,
    data,
  };
}

async function send(event, attempt) {
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: await queue('commands'),
      MessageBody: JSON.stringify(event),
      // Commands of one student are carried out in their order.
      MessageGroupId: event.data.user_id ?? event.data.course_id,
      // SQS drops repeats of a body for five minutes; one that is to be answered again must get past that.
      MessageDeduplicationId: attempt > 1 ? randomUUID() : undefined,
    }),
  );
}

// Waits for the outcome with our correlation; what is for others is left to them.
async function outcome(event) {
  const QueueUrl = await queue('outcomes');
  const until = Date.now() + PATIENCE;
  for (let left = PATIENCE; left > 0; left = until - Date.now()) {
    const WaitTimeSeconds = Math.round(left / 1000);
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds }),
    );
    let found;
    for (const { Body, ReceiptHandle } of Messages) {
      const told = JSON.parse(Body);
      if (told.correlationid === event.correlationid && told.data.command_source === SOURCE) {
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        found = told;
      } else {
        await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 1 }));
      }
    }
    if (found) return found;
  }
  return undefined;
}

// Sends a command until its outcome is heard; all attempts have one id, so that it is carried out once.
async function carryOut(event) {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    await send(event, attempt);
    const told = await outcome(event);
    if (told) return told;
  }
  return undefined;
}

async function main(id, kind, data) {
  let told = await carryOut(command(id, kind, JSON.parse(data)));
  for (let payment = 2; payment <= PAYMENTS && told?.data.code === 'APPLICATION_NOT_FOUND'; payment += 1) {
    // The payment overtook its application. A rejection is for good, so it needs a new id; its reference stays.
    await setTimeout(PAUSE);
    told = await carryOut(command(`${id}-${payment}`, kind, JSON.parse(data)));
  }
  if (!told) return 4;
  console.log(JSON.stringify(told.data));
  return told.type === 'com.digitalarthouse.command.applied.v1' ? 0 : 3;
}

process.exitCode = await main(...process.argv.slice(2));
