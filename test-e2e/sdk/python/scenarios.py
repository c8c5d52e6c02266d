"""Runs named scenarios with the official Python client.

Arguments: endpoints joined by ',', prefix of topics and groups, scenarios (`name@endpoints` where one needs its own). All
run side by side and print a JSON line each, {scenario, ok, detail} or {scenario, none}; the clients go on until the input
ends.
"""

import asyncio
import json
import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from rocketmq import (
    ClientConfiguration,
    ConsumeResult,
    Credentials,
    FilterExpression,
    Message,
    MessageListener,
    Producer,
    PushConsumer,
    SimpleConsumer,
    TransactionChecker,
    TransactionResolution,
)
from rocketmq.grpc_protocol import FilterType
from session import Session

AWAIT_SECONDS = 1
REQUEST_SECONDS_MAX = 10  # more than the default of 3: the machine may be busy
INVISIBLE_SECONDS = 30
SHORT_INVISIBLE_SECONDS = 1
SCENARIO_SECONDS_MAX = 60
SESSION_PAUSE_SECONDS = 0.15
IDLE_PAUSE_SECONDS = 150  # longer than anything that ends what is idle
SESSION_REQUEST_SECONDS_MAX = 3  # the client's default
FEW = 4
MANY = 60
CACHED_MAX = 4
SESSION_CACHED_MAX = 1024  # the client's default
DELAY_SECONDS = 3  # the client takes whole ones
RECALLED_SECONDS = 10  # long enough for a busy machine to recall it before
TRANSACTIONS = ("commit now", "rollback now", "commit when asked", "rollback when asked")  # by the sender, or when asked
COMMITTED = ["commit now", "commit when asked"]
DUPLICATES = ((b"first", "one"), (b"second", "one"), (b"third", "other"))  # with their keys
STORED_ONCE = [b"first", b"third"]
BODY_BYTES_MAX = 4 * 1024 * 1024
ROOM_FOR_HEADERS = 64 * 1024
TOLD_SECONDS_MAX = 30  # the operator's command included
# Unlike other consumers a simple one does not wait for its settings, and Apache's proxy fails at a poll before them.
AWAITS_SETTINGS = "AWAITS_SETTINGS" in os.environ
ONE_MESSAGE = {"none": "a request has one message"}

endpoint_list, prefix, *wanted = sys.argv[1:]
endpoints = endpoint_list.split(",")
opened = []
lock = threading.Lock()
event_loop = asyncio.new_event_loop()
has_ended = threading.Event()
clients = 0


def next_endpoints():
    global clients
    with lock:
        clients += 1
        return endpoints[clients % len(endpoints)]


def start(create, own_endpoints=None, request_seconds_max=REQUEST_SECONDS_MAX):
    """Starts a client at the next of the endpoints; it is closed at the end."""
    to = own_endpoints or next_endpoints()
    asyncio.set_event_loop(event_loop)  # as in the main thread: the client opens streams with the loop of its thread
    client = create(ClientConfiguration(to, Credentials(), request_timeout=request_seconds_max))
    client.startup()
    with lock:
        opened.append(client)
    return client


def start_producer(*topics, at=(), **options):
    return start(lambda configuration: Producer(configuration, topics, **options), *at)


def start_simple(topic, group, expression="*", at=(), **options):
    subscription = {topic: expression if isinstance(expression, FilterExpression) else FilterExpression(expression)}
    consumer = start(
        lambda configuration: SimpleConsumer(configuration, group, subscription, AWAIT_SECONDS, **options), *at
    )
    if AWAITS_SETTINGS:
        consumer._init_settings_event.wait(SCENARIO_SECONDS_MAX)
    return consumer


class Listener(MessageListener):
    def __init__(self, consume):
        self.consume = consume

    def consume(self, message):
        raise NotImplementedError  # the instance has its own


class ToldConsumer(PushConsumer):
    """Notices when settings come that say that its group is in order."""

    def __init__(self, *options, **more):
        self.in_order = threading.Event()
        self.is_deaf = False
        super().__init__(*options, **more)

    def reset_setting(self, settings):
        super().reset_setting(settings)
        if settings.subscription.fifo:
            self.in_order.set()

    def reset_metric(self, metric):
        try:
            super().reset_metric(metric)
        except AttributeError:
            # Where metrics are off it has no meter and takes one all the same, which ends the loop that reads commands.
            self.is_deaf = True
            raise


def start_push(topic, group, consume, at=(), cached=CACHED_MAX, kind=PushConsumer):
    return start(
        lambda configuration: kind(
            configuration, group, Listener(consume), {topic: FilterExpression()}, max_cache_message_count=cached
        ),
        *at,
    )


def expect(holds, otherwise):
    if not holds:
        raise AssertionError(otherwise)


def expect_same(got, wanted_value, what):
    expect(got == wanted_value, f"{what}: {got}, not {wanted_value}")


def message_of(topic, body, tag=None):
    message = Message()
    message.topic = topic
    message.body = body
    if tag is not None:
        message.tag = tag
    return message


def send_all(producer, topic, count=FEW):
    return [producer.send(message_of(topic, b"message %d" % number)).message_id for number in range(count)]


def receive_now(consumer):
    messages = consumer.receive(32, INVISIBLE_SECONDS) or []
    for message in messages:
        consumer.ack(message)
    return messages


def receive_in_future(consumer):
    messages = consumer.receive_async(32, INVISIBLE_SECONDS).result() or []
    for message in messages:
        consumer.ack_async(message)
    return messages


def receive_some(consumer, count, receive=receive_now):
    """Receives and acknowledges until there are so many."""
    messages = []
    end = time.monotonic() + SCENARIO_SECONDS_MAX
    while len(messages) < count and time.monotonic() < end:
        messages += receive(consumer)
    return messages


def receive_all(consumer, count, receive=receive_now):
    """The same, and what else comes in one more receive of each endpoint."""
    messages = receive_some(consumer, count, receive)
    for _ in endpoints:
        messages += receive(consumer)
    return messages


class Collector:
    """What a listener was given, and the moment when there is enough."""

    def __init__(self, count, result_of=lambda message: ConsumeResult.SUCCESS):
        self.messages = []
        self.enough = threading.Event()
        self.count = count
        self.result_of = result_of

    def consume(self, message):
        with lock:
            self.messages.append(message)
            if len(self.messages) >= self.count:
                self.enough.set()
        return self.result_of(message)

    def wait(self):
        expect(self.enough.wait(SCENARIO_SECONDS_MAX), f"{len(self.messages)} of {self.count} deliveries came")
        return self.messages


def ids_of(messages):
    return sorted(message.message_id for message in messages)


def round_trip(topic, receive=receive_now, **options):
    ids = send_all(start_producer(topic, **options), topic)
    consumer = start_simple(topic, topic, **options)
    expect_same(ids_of(receive_all(consumer, FEW, receive)), sorted(ids), "received")


def send_async(topic, _):
    producer = start_producer(topic)
    futures = [producer.send_async(message_of(topic, b"message %d" % number)) for number in range(FEW)]
    ids = [future.result().message_id for future in futures]
    expect_same(ids_of(receive_all(start_simple(topic, topic), FEW)), sorted(ids), "received")


def change_invisible(topic, _):
    [message_id] = send_all(start_producer(topic), topic, 1)
    consumer = start_simple(topic, topic)
    seen = []
    end = time.monotonic() + INVISIBLE_SECONDS
    while len(seen) < 2 and time.monotonic() < end:
        for message in consumer.receive(1, INVISIBLE_SECONDS) or []:
            seen.append((message.message_id, message.delivery_attempt))
            seconds = SHORT_INVISIBLE_SECONDS if len(seen) == 1 else INVISIBLE_SECONDS
            consumer.change_invisible_duration(message, seconds)
            if len(seen) == 2:
                consumer.ack(message)
    expect_same(seen, [(message_id, 1), (message_id, 2)], "deliveries")


def push(topic, _):
    ids = send_all(start_producer(topic), topic)
    collector = Collector(FEW)
    start_push(topic, topic, collector.consume)
    messages = collector.wait()
    expect_same(ids_of(messages), sorted(ids), "pushed")
    expect_same([message.delivery_attempt for message in messages], [1] * FEW, "attempts")


def failing(topic, attempts, is_failure):
    """The first deliveries fail, and the listener sees each attempt; returns the message id."""
    [message_id] = send_all(start_producer(topic), topic, 1)
    collector = Collector(
        attempts,
        lambda message: ConsumeResult.FAILURE if is_failure(message.delivery_attempt) else ConsumeResult.SUCCESS,
    )
    start_push(topic, topic, collector.consume)
    seen = [(message.message_id, message.delivery_attempt) for message in collector.wait()]
    expect_same(seen, [(message_id, attempt) for attempt in range(1, attempts + 1)], "deliveries")
    return message_id


def push_retry(topic, _):
    failing(topic, 3, lambda attempt: attempt < 3)


def push_groups(topic, _):
    ids = send_all(start_producer(topic), topic)
    collectors = {f"{topic}-{number}": Collector(FEW) for number in (1, 2, 3)}
    for group, collector in collectors.items():
        start_push(topic, group, collector.consume)
    for group, collector in collectors.items():
        expect_same(ids_of(collector.wait()), sorted(ids), f"pushed to {group}")


def group_reset(topic, _):
    ids = sorted(send_all(start_producer(topic), topic))
    consumer, other = start_simple(topic, topic), start_simple(topic, f"{topic}-other")
    expect_same(ids_of(receive_some(consumer, FEW)), ids, "received")
    expect_same(ids_of(receive_some(other, FEW)), ids, "received by the other group")
    say(asks="group-reset")
    again = receive_some(consumer, FEW)
    expect_same(ids_of(again), ids, "received again")
    expect_same([message.delivery_attempt for message in again], [1] * FEW, "attempts")
    expect_same(ids_of(receive_all(other, 0)), [], "received again by the other group")


def settings_pushed(topic, _):
    send_all(start_producer(topic), topic, 1)
    collector = Collector(1)
    consumer = start_push(topic, topic, collector.consume, kind=ToldConsumer)
    collector.wait()
    if consumer.is_deaf:
        return {"none": "a push consumer reads no command behind its first settings"}
    expect(not consumer.in_order.is_set(), "the group is in order already")
    say(asks="settings-pushed")
    expect(consumer.in_order.wait(TOLD_SECONDS_MAX), f"not told within {TOLD_SECONDS_MAX} s")
    return None


def group_disabled(topic, _):
    send_all(start_producer(topic), topic, 1)
    consumer = start_simple(topic, topic)
    try:
        consumer.receive(1, INVISIBLE_SECONDS)
    except Exception as error:
        expect("switched off" in str(error), repr(error))
        return
    raise AssertionError("it was answered")


def push_shared(topic, _):
    # No listener returns before each consumer has got a message, and none may hold all of them meanwhile.
    consumers = 3
    collector = Collector(MANY)
    busy = set()
    everybody_has_one = threading.Event()

    def listener(number):
        def consume(message):
            with lock:
                busy.add(number)
                if len(busy) == consumers:
                    everybody_has_one.set()
            collector.consume(message)
            everybody_has_one.wait(SCENARIO_SECONDS_MAX)
            return ConsumeResult.SUCCESS

        return consume

    for number in range(consumers):
        start_push(topic, topic, listener(number))
    ids = send_all(start_producer(topic), topic, MANY)
    expect_same(ids_of(collector.wait()), sorted(ids), "pushed")


def filtered(expression, wanted_tags):
    def scenario(topic, _):
        producer = start_producer(topic)
        for number, tag in enumerate(("A", "B", "C", None, "A"), 1):
            message = message_of(topic, b"x", tag)
            message.add_property("number", str(number))
            producer.send(message)
        messages = receive_all(start_simple(topic, topic, expression), len(wanted_tags))
        expect_same(sorted(message.tag or "-" for message in messages), wanted_tags, f"tags for {expression}")

    return scenario


def dead_letter(topic, _):
    return failing(topic, 2, lambda attempt: True)


class Checker(TransactionChecker):
    def check(self, message):
        return TransactionResolution.COMMIT if message.body.startswith(b"commit") else TransactionResolution.ROLLBACK


def transaction(topic, _):
    producer = start_producer(topic, checker=Checker())
    for text in TRANSACTIONS:
        one = producer.begin_transaction()
        producer.send(message_of(topic, text.encode()), one)
        if text == "commit now":
            one.commit()
        if text == "rollback now":
            one.rollback()
    messages = receive_all(start_simple(topic, topic), len(COMMITTED))
    expect_same(sorted(message.body.decode() for message in messages), COMMITTED, "received")


def delayed_of(topic, body, due):
    message = message_of(topic, body)
    message.delivery_timestamp = due
    return message


def delay(topic, _):
    producer = start_producer(topic)
    due = int(time.time()) + DELAY_SECONDS
    producer.send(delayed_of(topic, b"delayed", due))
    messages = receive_all(start_simple(topic, topic), 1)
    expect_same([message.body.decode() for message in messages], ["delayed"], "received")
    expect(time.time() >= due, "it came early")


def recall(topic, _):
    producer = start_producer(topic)
    due = int(time.time()) + RECALLED_SECONDS
    receipt = producer.send(delayed_of(topic, b"recalled", due))
    producer.send(delayed_of(topic, b"kept", due))
    producer.recall_message(topic, receipt.recall_handle)
    messages = receive_all(start_simple(topic, topic), 1)
    expect_same([message.body.decode() for message in messages], ["kept"], "received")


def dedup(topic, _):
    producer = start_producer(topic)
    for body, key in DUPLICATES:
        message = message_of(topic, body)
        message.keys = key
        producer.send(message)
    messages = receive_all(start_simple(topic, topic), len(STORED_ONCE))
    expect_same(sorted(message.body for message in messages), STORED_ONCE, "received")


def attributes(topic, _):
    sent = message_of(topic, b"attributes", "färbe")
    sent.keys = "order-1"
    sent.keys = "ключ"
    sent.add_property("colour", "grün")
    sent.add_property("空", "✓ 値")

    def shown(message):
        return message.topic, message.tag, sorted(message.keys), message.properties, message.body

    wanted_values = shown(sent)
    message_id = start_producer(topic).send(sent).message_id
    [message] = receive_all(start_simple(topic, topic), 1)
    expect_same(shown(message), wanted_values, "message")
    expect_same((message.message_id, message.delivery_attempt), (message_id, 1), "message id and attempt")
    age = time.time() - message.born_timestamp / 1000
    expect(message.born_host and abs(age) < SCENARIO_SECONDS_MAX, f"born {age} s ago at {message.born_host}")


MESSAGE_GROUPS = ("a", "b")
ORDERED_EACH = 6
FAILING = "a 2"  # it fails once where one is to


def send_in_order(topic):
    """So many messages of each group in turn."""
    producer = start_producer(topic)
    for number in range(ORDERED_EACH):
        for group in MESSAGE_GROUPS:
            message = message_of(topic, f"{group} {number}".encode())
            message.message_group = group
            producer.send(message)


def expect_in_order(messages, failing=""):
    """Bodies of each group in the order in which they came; one of them twice where it failed."""
    texts = [message.body.decode() for message in messages]
    for group in MESSAGE_GROUPS:
        wanted_texts = [f"{group} {number}" for number in range(ORDERED_EACH)]
        wanted_texts = [text for one in wanted_texts for text in ([one, one] if one == failing else [one])]
        expect_same([text for text in texts if text.startswith(group)], wanted_texts, f"group {group}")


def fifo_simple(topic, _):
    send_in_order(topic)
    expect_in_order(receive_all(start_simple(topic, topic), len(MESSAGE_GROUPS) * ORDERED_EACH))


def push_in_order(failing=""):
    def scenario(topic, _):
        failed = threading.Event()

        def result_of(message):
            # The client does not count the attempts that it makes itself.
            if message.body.decode() != failing or failed.is_set():
                return ConsumeResult.SUCCESS
            failed.set()
            return ConsumeResult.FAILURE

        send_in_order(topic)
        collector = Collector(len(MESSAGE_GROUPS) * ORDERED_EACH + (1 if failing else 0), result_of)
        start_push(topic, topic, collector.consume)
        expect_in_order(collector.wait(), failing)

    return scenario


def expect_bodies(topic, sent):
    producer = start_producer(topic)
    for body in sent:
        producer.send(message_of(topic, body))
    got = sorted(message.body for message in receive_all(start_simple(topic, topic), len(sent)))
    expect(got == sorted(sent), f"bodies differ: {[(len(body), body[:20]) for body in got]}")


def topic_refused(topic, own_endpoints):
    producer = start_producer(at=[own_endpoints])
    try:
        producer.send(message_of(topic, b"x"))
    except Exception as error:
        expect(topic in str(error), repr(error))  # it does not tell the code
        return
    raise AssertionError("it was sent")


def session(name, pause_seconds):
    """It goes on until the input ends."""

    def scenario(topic, own_endpoints):
        at = (own_endpoints, SESSION_REQUEST_SECONDS_MAX)
        one = Session(name, pause_seconds, say, has_ended, lambda body: message_of(topic, body))
        producer = start_producer(topic, at=at)
        consumer = start_simple(topic, f"{topic}-simple", at=at)
        start_push(topic, f"{topic}-push", one.consume, at=at, cached=SESSION_CACHED_MAX)
        one.produce(producer)
        one.receive(consumer)

    return scenario


SCENARIOS = {
    "send-sync": lambda topic, _: round_trip(topic),
    "send-async": send_async,
    "send-batch": lambda topic, _: ONE_MESSAGE,
    "receive-sync": lambda topic, _: round_trip(topic),
    "receive-async": lambda topic, _: round_trip(topic, receive_in_future),
    "change-invisible": change_invisible,
    "push": push,
    "push-retry": push_retry,
    "push-groups": push_groups,
    "push-shared": push_shared,
    "group-reset": group_reset,
    "settings-pushed": settings_pushed,
    "group-disabled": group_disabled,
    "tag-one": filtered("A", ["A", "A"]),
    "tag-either": filtered("A || B", ["A", "A", "B"]),
    "tag-any": filtered("*", ["-", "A", "A", "B", "C"]),
    "sql-filter": filtered(
        FilterExpression("number > 1 AND (TAGS = 'A' OR TAGS IS NULL)", FilterType.SQL), ["-", "A"]
    ),
    "dead-letter": dead_letter,
    "fifo-simple": fifo_simple,
    "fifo-push": push_in_order(),
    "fifo-retry": push_in_order(FAILING),
    "transaction": transaction,
    "delay": delay,
    "recall": recall,
    "dedup": dedup,
    "attributes": attributes,
    "bodies": lambda topic, _: expect_bodies(topic, ["Grüße, 世界 🚀".encode(), bytes(range(256)), b"\0", b" "]),
    "body-large": lambda topic, _: expect_bodies(topic, [b"large" * ((BODY_BYTES_MAX - ROOM_FOR_HEADERS) // 5)]),
    "body-largest": lambda topic, _: expect_bodies(topic, [b"largest!" * (BODY_BYTES_MAX // 8)]),
    "topic-created": lambda topic, _: round_trip(topic),
    "topic-refused": topic_refused,
    "plaintext": lambda topic, _: round_trip(topic, tls_enable=False),
    "tls": lambda topic, _: round_trip(topic, tls_enable=True),
    "session": session("session", SESSION_PAUSE_SECONDS),
    "idle-session": session("idle-session", IDLE_PAUSE_SECONDS),
}


def say(**report):
    with lock:
        print(json.dumps(report, separators=(",", ":")), flush=True)


def run(name):
    scenario, _, own_endpoints = name.partition("@")
    try:
        if scenario not in SCENARIOS:
            return say(scenario=scenario, none="unknown to this program")
        result = SCENARIOS[scenario](f"{prefix}-{scenario}", own_endpoints) or ""
        say(scenario=scenario, **(result if isinstance(result, dict) else {"ok": True, "detail": result}))
    except Exception as error:
        traceback.print_exc()
        say(scenario=scenario, ok=False, detail=repr(error))


with ThreadPoolExecutor(max(1, len(wanted))) as pool:
    list(pool.map(run, wanted))
sys.stdin.read()
has_ended.set()
with ThreadPoolExecutor(max(1, len(opened))) as pool:
    list(pool.map(lambda client: client.shutdown(), opened))
