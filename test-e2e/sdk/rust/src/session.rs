//! A session as an application has it: a producer that sends for ever and a simple consumer, each told of as a JSON line
//! {session, by, event, ms, seq or detail}, whatever happens to the servers meanwhile.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rocketmq::model::common::{FilterExpression, FilterType};
use rocketmq::{Producer, SimpleConsumer};
use serde_json::{json, Value};
use tokio::time::Instant;

use crate::{message, text_of, Checked};

const INVISIBLE: Duration = Duration::from_secs(10);
const BATCH: i32 = 32;
/// Receives without a message before a pause: two for each queue, and so for each broker.
const EMPTY_MAX: usize = 4;

pub struct Session {
    pub name: &'static str,
    pub topic: String,
    pub pause: Duration,
}

impl Session {
    fn tell(&self, by: &str, event: &str, key: &str, value: Value) {
        let ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        println!("{}", json!({ "session": self.name, "by": by, "event": event, "ms": ms, key: value }));
    }

    /// Each time after the pause, if it did not take longer; what fails is told.
    async fn forever<Work: Future<Output = Checked<()>>>(&self, by: &str, mut work: impl FnMut() -> Work) {
        loop {
            let end = Instant::now() + self.pause;
            if let Err(text) = work().await {
                self.tell(by, "failed", "detail", json!(text));
            }
            tokio::time::sleep_until(end).await;
        }
    }

    async fn produce(&self, producer: &Producer) {
        let mut seq = 0;
        self.forever("producer", || {
            seq += 1;
            let sent = seq;
            async move {
                let built = message(&self.topic, sent.to_string()).build().map_err(text_of)?;
                producer.send(built).await.map_err(text_of)?;
                self.tell("producer", "sent", "seq", json!(sent));
                Ok(())
            }
        })
        .await
    }

    async fn receive_some(&self, consumer: &SimpleConsumer) -> Checked<()> {
        let everything = FilterExpression::new(FilterType::Tag, "*");
        let mut empty = 0;
        while empty < EMPTY_MAX {
            let received = match consumer.receive_with(&self.topic, &everything, BATCH, INVISIBLE).await.map_err(text_of) {
                // The deadline of the call is the length of the poll: nothing came, and the answer was a little late.
                Err(text) if text.contains("Timeout expired") => vec![],
                result => result?,
            };
            empty = if received.is_empty() { empty + 1 } else { 0 };
            for one in received {
                let seq: u64 = String::from_utf8_lossy(one.body()).parse().map_err(text_of)?;
                self.tell("simple", "received", "seq", json!(seq));
                consumer.ack(&one).await.map_err(text_of)?;
            }
        }
        Ok(())
    }

    /// Goes on with clients that are connected until the process ends.
    pub fn spawn(self, producer: Producer, consumer: SimpleConsumer) {
        let session = Arc::new(self);
        let sending = session.clone();
        tokio::spawn(async move { sending.produce(&producer).await });
        tokio::spawn(async move { session.forever("simple", || session.receive_some(&consumer)).await });
    }
}
