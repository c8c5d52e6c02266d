//! Runs named scenarios with the official Rust client. Arguments: endpoints joined by ',', prefix of topics and groups,
//! scenarios (`name@endpoints` where one needs its own). All run side by side and print a JSON line each, {scenario, ok,
//! detail} or {scenario, none}; each closes its clients, but those of sessions go on until the input ends.

mod session;

use std::collections::HashMap;
use std::env::args;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rocketmq::conf::{ClientOption, ProducerOption, SimpleConsumerOption};
use rocketmq::model::common::{FilterExpression, FilterType};
use rocketmq::model::message::{MessageBuilder, MessageView};
use rocketmq::model::transaction::{Transaction, TransactionResolution};
use rocketmq::{Producer, SimpleConsumer};
use serde_json::json;
use session::Session;
use tokio::io::AsyncReadExt;

const AWAIT: Duration = Duration::from_secs(3);
/// More than the default of 3 s: the machine may be busy.
const REQUEST_MAX: Duration = Duration::from_secs(10);
const INVISIBLE: Duration = Duration::from_secs(30);
const SCENARIO_MAX: Duration = Duration::from_secs(60);
const SESSION_PAUSE: Duration = Duration::from_millis(150);
/// Longer than anything that ends what is idle.
const IDLE_PAUSE: Duration = Duration::from_secs(150);
/// The client's default.
const SESSION_REQUEST_MAX: Duration = Duration::from_secs(3);
const FEW: usize = 4;
const MESSAGE_GROUPS: [&str; 2] = ["a", "b"];
const ORDERED_EACH: usize = 6;
const DELAY_SECONDS: u64 = 3;
/// Ended by their sender, or when it is asked.
const TRANSACTIONS: [&str; 4] = ["commit now", "rollback now", "commit when asked", "rollback when asked"];
const COMMITTED: [&str; 2] = ["commit now", "commit when asked"];
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
const ROOM_FOR_HEADERS: usize = 64 * 1024;

const SQL: &str = "number > 1 AND (TAGS = 'A' OR TAGS IS NULL)";
const NO_SYNC: &str = "every call returns a future";
const NO_RECALL: &str = "Producer has no recall";
const NO_CHANGE: &str = "SimpleConsumer has no change of the invisible duration";
const NO_PUSH: &str = "the crate has no push consumer";
const SMALL: &str = "tonic takes 4 MiB per message, headers included, and the client has no setting for it";

enum Outcome {
    Ok,
    /// Why the client has no such feature.
    None(&'static str),
}

type Checked<T> = Result<T, String>;

static CLIENTS: AtomicUsize = AtomicUsize::new(0);

/// What all scenarios share.
#[derive(Clone)]
struct Context {
    endpoints: Vec<String>,
    topic: String,
    own_endpoints: String,
    tls: Option<bool>,
    request_max: Duration,
}

/// The error and its sources, without a stack.
fn text_of(error: impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split("Stack backtrace").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Checked<()> {
    if holds {
        Ok(())
    } else {
        Err(otherwise())
    }
}

fn expect_same<T: PartialEq + std::fmt::Debug>(got: T, wanted: T, what: &str) -> Checked<()> {
    expect(got == wanted, || format!("{what}: {got:?}, not {wanted:?}"))
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

fn ids_of(messages: &[MessageView]) -> Vec<String> {
    sorted(messages.iter().map(|message| message.message_id().to_string()).collect())
}

fn message(topic: &str, body: impl Into<Vec<u8>>) -> MessageBuilder {
    MessageBuilder::builder().set_topic(topic).set_body(body.into())
}

impl Context {
    /// The options of the next client; each takes the next of the endpoints.
    fn option(&self) -> ClientOption {
        let mut option = ClientOption::default();
        let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
        option.set_access_url(&self.endpoints[number % self.endpoints.len()]);
        option.set_long_polling_timeout(AWAIT);
        option.set_timeout(self.request_max);
        if let Some(tls) = self.tls {
            option.set_enable_tls(tls);
        }
        option
    }

    async fn producer(&self) -> Checked<Producer> {
        let mut producer_option = ProducerOption::default();
        producer_option.set_topics(vec![&self.topic]);
        let mut producer = Producer::new(producer_option, self.option()).map_err(text_of)?;
        producer.start().await.map_err(text_of)?;
        Ok(producer)
    }

    async fn send(&self, producer: &Producer, message: MessageBuilder) -> Checked<String> {
        let receipt = producer.send(message.build().map_err(text_of)?).await.map_err(text_of)?;
        Ok(receipt.message_id().to_string())
    }

    /// Sends the messages with one producer; returns their ids.
    async fn send_all(&self, messages: Vec<MessageBuilder>) -> Checked<Vec<String>> {
        let producer = self.producer().await?;
        let mut ids = vec![];
        for message in messages {
            ids.push(self.send(&producer, message).await?);
        }
        producer.shutdown().await.map_err(text_of)?;
        Ok(sorted(ids))
    }

    fn few(&self) -> Vec<MessageBuilder> {
        (0..FEW).map(|number| message(&self.topic, format!("message {number}"))).collect()
    }

    async fn consumer(&self, group: &str) -> Checked<SimpleConsumer> {
        let mut consumer_option = SimpleConsumerOption::default();
        consumer_option.set_topics(vec![&self.topic]);
        consumer_option.set_consumer_group(group);
        let mut consumer = SimpleConsumer::new(consumer_option, self.option()).map_err(text_of)?;
        consumer.start().await.map_err(text_of)?;
        Ok(consumer)
    }

    /// Receives and acknowledges until there are so many, and what else comes in one more receive of each endpoint.
    async fn receive_all(&self, tags: &str, count: usize) -> Checked<Vec<MessageView>> {
        self.receive_by(&FilterExpression::new(FilterType::Tag, tags), count).await
    }

    async fn receive_by(&self, filter: &FilterExpression, count: usize) -> Checked<Vec<MessageView>> {
        let consumer = self.consumer(&self.topic).await?;
        let messages = self.receive_with(&consumer, filter, count, self.endpoints.len()).await?;
        consumer.shutdown().await.map_err(text_of)?;
        Ok(messages)
    }

    /// So many, and then so many receives more.
    async fn receive_with(
        &self,
        consumer: &SimpleConsumer,
        filter: &FilterExpression,
        count: usize,
        mut extra: usize,
    ) -> Checked<Vec<MessageView>> {
        let mut messages = vec![];
        let end = Instant::now() + SCENARIO_MAX;
        while (messages.len() < count || extra > 0) && Instant::now() < end {
            if messages.len() >= count {
                extra -= 1;
            }
            let received = match consumer.receive_with(&self.topic, filter, 32, INVISIBLE).await.map_err(text_of) {
                // The deadline of the call is the length of the poll: nothing came, and the answer was a little late.
                Err(text) if text.contains("Timeout expired") => vec![],
                result => result?,
            };
            for message in received {
                consumer.ack(&message).await.map_err(text_of)?;
                messages.push(message);
            }
        }
        Ok(messages)
    }

    async fn round_trip(&self) -> Checked<Outcome> {
        let ids = self.send_all(self.few()).await?;
        expect_same(ids_of(&self.receive_all("*", FEW).await?), ids, "received")?;
        Ok(Outcome::Ok)
    }

    async fn send_async(&self) -> Checked<Outcome> {
        let producer = self.producer().await?;
        let [one, two, three, four]: [MessageBuilder; FEW] = self.few().try_into().map_err(|_| "not four")?;
        let (one, two, three, four) = tokio::try_join!(
            self.send(&producer, one),
            self.send(&producer, two),
            self.send(&producer, three),
            self.send(&producer, four)
        )?;
        producer.shutdown().await.map_err(text_of)?;
        let ids = sorted(vec![one, two, three, four]);
        expect_same(ids_of(&self.receive_all("*", FEW).await?), ids, "received")?;
        Ok(Outcome::Ok)
    }

    async fn send_batch(&self) -> Checked<Outcome> {
        let producer = self.producer().await?;
        let built: Result<Vec<_>, _> = self.few().into_iter().map(|message| message.build()).collect();
        let receipts = producer.batch_send(built.map_err(text_of)?).await.map_err(text_of)?;
        producer.shutdown().await.map_err(text_of)?;
        let ids = receipts.iter().map(|receipt| receipt.message_id().to_string()).collect();
        expect_same(ids_of(&self.receive_all("*", FEW).await?), sorted(ids), "received")?;
        Ok(Outcome::Ok)
    }

    async fn group_reset(&self) -> Checked<Outcome> {
        let everything = FilterExpression::new(FilterType::Tag, "*");
        let ids = self.send_all(self.few()).await?;
        let consumer = self.consumer(&self.topic).await?;
        let other = self.consumer(&format!("{}-other", self.topic)).await?;
        for (group, consumer) in [("the group", &consumer), ("the other group", &other)] {
            let received = self.receive_with(consumer, &everything, FEW, 0).await?;
            expect_same(&ids_of(&received), &ids, &format!("received by {group}"))?;
        }
        println!("{}", json!({ "asks": "group-reset" }));
        let again = self.receive_with(&consumer, &everything, FEW, 0).await?;
        expect_same(&ids_of(&again), &ids, "received again")?;
        let attempts: Vec<i32> = again.iter().map(|message| message.delivery_attempt()).collect();
        expect_same(attempts, vec![1; FEW], "attempts")?;
        let of_other = self.receive_with(&other, &everything, 0, self.endpoints.len()).await?;
        expect_same(ids_of(&of_other), vec![], "received again by the other group")?;
        consumer.shutdown().await.map_err(text_of)?;
        other.shutdown().await.map_err(text_of)?;
        Ok(Outcome::Ok)
    }

    async fn group_disabled(&self) -> Checked<Outcome> {
        self.send_all(self.few()).await?;
        let consumer = self.consumer(&self.topic).await?;
        let everything = FilterExpression::new(FilterType::Tag, "*");
        let answer = consumer.receive_with(&self.topic, &everything, 1, INVISIBLE).await.map_err(text_of);
        consumer.shutdown().await.map_err(text_of)?;
        match answer {
            Ok(_) => Err("it was answered".to_string()),
            Err(text) => expect(text.contains("switched off"), || text).map(|()| Outcome::Ok),
        }
    }

    async fn filtered(&self, filter_type: FilterType, expression: &str, wanted: &[&str]) -> Checked<Outcome> {
        let untagged = |number: &str| message(&self.topic, "x").set_properties(HashMap::from([("number", number)]));
        let tagged = |number: &str, tag: &str| untagged(number).set_tag(tag);
        let sent = vec![tagged("1", "A"), tagged("2", "B"), tagged("3", "C"), untagged("4"), tagged("5", "A")];
        self.send_all(sent).await?;
        let messages = self.receive_by(&FilterExpression::new(filter_type, expression), wanted.len()).await?;
        let tags = sorted(messages.iter().map(|message| message.tag().unwrap_or("-")).collect());
        expect_same(tags, wanted.to_vec(), &format!("tags for {expression}"))?;
        Ok(Outcome::Ok)
    }

    async fn fifo_simple(&self) -> Checked<Outcome> {
        let numbered = |number: usize| MESSAGE_GROUPS.map(|group| (group, format!("{group} {number}")));
        let texts: Vec<_> = (0..ORDERED_EACH).flat_map(numbered).collect();
        let sent = texts.iter().map(|(group, text)| message(&self.topic, text.clone()).set_message_group(*group)).collect();
        self.send_all(sent).await?;
        let messages = self.receive_all("*", texts.len()).await?;
        for wanted in MESSAGE_GROUPS {
            let of_group = |text: &&str| text.starts_with(wanted);
            let came = messages.iter().filter_map(|message| std::str::from_utf8(message.body()).ok()).filter(of_group).collect();
            let sent: Vec<_> = texts.iter().map(|(_, text)| text.as_str()).filter(of_group).collect();
            expect_same::<Vec<_>>(came, sent, &format!("group {wanted}"))?;
        }
        Ok(Outcome::Ok)
    }

    async fn transaction(&self) -> Checked<Outcome> {
        let mut producer_option = ProducerOption::default();
        producer_option.set_topics(vec![&self.topic]);
        let check = |_: String, message: MessageView| match message.body().starts_with(b"commit") {
            true => TransactionResolution::COMMIT,
            false => TransactionResolution::ROLLBACK,
        };
        let mut producer =
            Producer::new_transaction_producer(producer_option, self.option(), Box::new(check)).map_err(text_of)?;
        producer.start().await.map_err(text_of)?;
        for text in TRANSACTIONS {
            let half = MessageBuilder::transaction_message_builder(&self.topic, text.into()).build().map_err(text_of)?;
            let transaction = producer.send_transaction_message(half).await.map_err(text_of)?;
            match text {
                "commit now" => transaction.commit().await.map_err(text_of)?,
                "rollback now" => transaction.rollback().await.map_err(text_of)?,
                _ => {}
            }
        }
        let messages = self.receive_all("*", COMMITTED.len()).await?;
        let texts = sorted(messages.iter().map(|message| String::from_utf8_lossy(message.body()).to_string()).collect());
        expect_same(texts, COMMITTED.map(str::to_string).to_vec(), "received")?;
        producer.shutdown().await.map_err(text_of)?;
        Ok(Outcome::Ok)
    }

    /// The client takes whole seconds.
    async fn delay(&self) -> Checked<Outcome> {
        let since_epoch = || SystemTime::now().duration_since(UNIX_EPOCH).map_err(text_of);
        let due = since_epoch()?.as_secs() + DELAY_SECONDS;
        let delayed = MessageBuilder::delay_message_builder(&self.topic, "delayed".into(), due as i64);
        self.send_all(vec![delayed]).await?;
        let messages = self.receive_all("*", 1).await?;
        let texts = messages.iter().map(|message| String::from_utf8_lossy(message.body()).to_string()).collect();
        expect_same::<Vec<_>>(texts, vec!["delayed".to_string()], "received")?;
        if since_epoch()?.as_secs() < due {
            return Err("it came early".into());
        }
        Ok(Outcome::Ok)
    }

    /// Messages with the same key are stored once.
    async fn dedup(&self) -> Checked<Outcome> {
        let keyed = |(text, key): (&str, &str)| message(&self.topic, text).set_keys(vec![key]);
        self.send_all([("first", "one"), ("second", "one"), ("third", "other")].map(keyed).into()).await?;
        let messages = self.receive_all("*", 2).await?;
        let texts = sorted(messages.iter().map(|message| String::from_utf8_lossy(message.body()).to_string()).collect());
        expect_same(texts, vec!["first".to_string(), "third".to_string()], "received")?;
        Ok(Outcome::Ok)
    }

    async fn attributes(&self) -> Checked<Outcome> {
        let properties = HashMap::from([("colour", "grün"), ("空", "✓ 値")].map(|(k, v)| (k.to_string(), v.to_string())));
        let keys = vec!["order-1", "ключ"];
        let sent = message(&self.topic, "attributes")
            .set_tag("färbe")
            .set_keys(keys.clone())
            .set_properties(properties.clone());
        let ids = self.send_all(vec![sent]).await?;
        let messages = self.receive_all("*", 1).await?;
        let got = messages.first().ok_or("nothing came")?;
        expect_same((got.topic(), got.tag(), got.body()), (&*self.topic, Some("färbe"), "attributes".as_bytes()), "message")?;
        expect_same(got.keys().to_vec(), keys.iter().map(|key| key.to_string()).collect(), "keys")?;
        expect_same(got.properties(), &properties, "properties")?;
        expect_same((ids_of(&messages), got.delivery_attempt()), (ids, 1), "message id and attempt")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(text_of)?;
        // In seconds, though its own documentation does not say so.
        let age = now.as_secs().abs_diff(got.born_timestamp() as u64);
        expect(!got.born_host().is_empty() && age < SCENARIO_MAX.as_secs(), || {
            format!("born {age} s ago at {}", got.born_host())
        })?;
        Ok(Outcome::Ok)
    }

    async fn expect_bodies(&self, bodies: Vec<Vec<u8>>) -> Checked<Outcome> {
        self.send_all(bodies.iter().map(|body| message(&self.topic, body.clone())).collect()).await?;
        let messages = self.receive_all("*", bodies.len()).await?;
        let got = sorted(messages.iter().map(|message| message.body()).collect::<Vec<_>>());
        let sizes: Vec<usize> = got.iter().map(|body| body.len()).collect();
        expect(got == sorted(bodies.iter().map(|body| body.as_slice()).collect()), || {
            format!("bodies differ, their sizes are {sizes:?}")
        })?;
        Ok(Outcome::Ok)
    }

    async fn bodies(&self) -> Checked<Outcome> {
        let text = "Grüße, 世界 🚀".as_bytes().to_vec();
        self.expect_bodies(vec![text, (0..=255).collect(), vec![0], vec![b' ']]).await
    }

    async fn body_largest(&self) -> Checked<Outcome> {
        match self.expect_bodies(vec![vec![b'x'; BODY_BYTES_MAX]]).await {
            Err(text) if text.contains("message length too large") => Ok(Outcome::None(SMALL)),
            result => result,
        }
    }

    async fn topic_refused(&self) -> Checked<Outcome> {
        let there = Context { endpoints: vec![self.own_endpoints.clone()], ..self.clone() };
        match there.producer().await {
            Ok(_) => Err("the producer started".to_string()),
            Err(text) => expect(text.contains("TOPIC_NOT_FOUND") && text.contains(&self.topic), || text).map(|()| Outcome::Ok),
        }
    }

    async fn session(&self, name: &'static str, pause: Duration) -> Checked<Outcome> {
        let endpoints = match self.own_endpoints.as_str() {
            "" => self.endpoints.clone(),
            own => vec![own.to_string()],
        };
        let there = Context { endpoints, request_max: SESSION_REQUEST_MAX, ..self.clone() };
        let producer = there.producer().await?;
        let consumer = there.consumer(&format!("{}-simple", self.topic)).await?;
        Session { name, topic: self.topic.clone(), pause }.spawn(producer, consumer);
        Ok(Outcome::Ok)
    }

    fn over(&self, tls: bool) -> Context {
        Context { tls: Some(tls), ..self.clone() }
    }

    async fn run(&self, scenario: &str) -> Checked<Outcome> {
        match scenario {
            "send-sync" | "receive-sync" => Ok(Outcome::None(NO_SYNC)),
            "change-invisible" => Ok(Outcome::None(NO_CHANGE)),
            "push" | "push-retry" | "push-groups" | "push-shared" | "settings-pushed" | "dead-letter" | "fifo-push"
            | "fifo-retry" => Ok(Outcome::None(NO_PUSH)),
            "group-reset" => self.group_reset().await,
            "group-disabled" => self.group_disabled().await,
            "send-async" => self.send_async().await,
            "send-batch" => self.send_batch().await,
            "receive-async" | "topic-created" => self.round_trip().await,
            "tag-one" => self.filtered(FilterType::Tag, "A", &["A", "A"]).await,
            "tag-either" => self.filtered(FilterType::Tag, "A || B", &["A", "A", "B"]).await,
            "tag-any" => self.filtered(FilterType::Tag, "*", &["-", "A", "A", "B", "C"]).await,
            "sql-filter" => self.filtered(FilterType::Sql, SQL, &["-", "A"]).await,
            "fifo-simple" => self.fifo_simple().await,
            "transaction" => self.transaction().await,
            "delay" => self.delay().await,
            "recall" => Ok(Outcome::None(NO_RECALL)),
            "dedup" => self.dedup().await,
            "attributes" => self.attributes().await,
            "bodies" => self.bodies().await,
            "body-large" => self.expect_bodies(vec![vec![b'x'; BODY_BYTES_MAX - ROOM_FOR_HEADERS]]).await,
            "body-largest" => self.body_largest().await,
            "topic-refused" => self.topic_refused().await,
            "plaintext" => self.over(false).round_trip().await,
            "tls" => self.over(true).round_trip().await,
            "session" => self.session("session", SESSION_PAUSE).await,
            "idle-session" => self.session("idle-session", IDLE_PAUSE).await,
            _ => Ok(Outcome::None("unknown to this program")),
        }
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Checked<T>>) -> Checked<T> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(format!("not done after {limit:?}")))
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = args().skip(1).collect();
    let [endpoints, prefix, wanted @ ..] = arguments.as_slice() else {
        panic!("Usage: scenarios <endpoints> <prefix> <scenario>…");
    };
    let running: Vec<_> = wanted
        .iter()
        .map(|name| {
            let (scenario, own_endpoints) = name.split_once('@').unwrap_or((name, ""));
            let context = Context {
                endpoints: endpoints.split(',').map(str::to_string).collect(),
                topic: format!("{prefix}-{scenario}"),
                own_endpoints: own_endpoints.to_string(),
                tls: None,
                request_max: REQUEST_MAX,
            };
            let scenario = scenario.to_string();
            tokio::spawn(async move {
                let report = match within(SCENARIO_MAX, context.run(&scenario)).await {
                    Ok(Outcome::Ok) => json!({ "scenario": scenario, "ok": true }),
                    Ok(Outcome::None(reason)) => json!({ "scenario": scenario, "none": reason }),
                    Err(detail) => json!({ "scenario": scenario, "ok": false, "detail": detail }),
                };
                println!("{report}");
            })
        })
        .collect();
    for one in running {
        one.await.expect("a scenario ends without a panic");
    }
    let mut input = vec![];
    tokio::io::stdin().read_to_end(&mut input).await.expect("standard input is readable");
}
