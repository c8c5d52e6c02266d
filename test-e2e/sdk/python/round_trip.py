"""Sends, receives, acknowledges and gets pushed with the official Python client and its defaults, which are plaintext.

Arguments: endpoints, topic. Prints a line for every step; anything else ends it with 1.
"""

import sys
import threading

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
)

AWAIT_SECONDS = 10
INVISIBLE_SECONDS = 30
RECEIVES = 3

endpoints, topic = sys.argv[1:]
configuration = ClientConfiguration(endpoints, Credentials())


def say(*words):
    print(*words, flush=True)


def send():
    producer = Producer(configuration, (topic,))
    producer.startup()
    message = Message()
    message.topic = topic
    message.body = b"from Python"
    say("sent", producer.send(message).message_id)
    producer.shutdown()


def receive():
    everything = {topic: FilterExpression()}
    consumer = SimpleConsumer(configuration, f"{topic}-simple", everything, AWAIT_SECONDS)
    consumer.startup()
    for _ in range(RECEIVES):
        messages = consumer.receive(16, INVISIBLE_SECONDS) or []
        for message in messages:
            say("received", message.message_id, message.body.decode())
            consumer.ack(message)
            say("acked", message.message_id)
        if messages:
            break
    consumer.shutdown()


class Listener(MessageListener):
    def __init__(self):
        self.pushed = threading.Event()

    def consume(self, message):
        say("pushed", message.message_id, message.body.decode())
        self.pushed.set()
        return ConsumeResult.SUCCESS


def get_pushed():
    listener = Listener()
    consumer = PushConsumer(configuration, f"{topic}-push", listener, {topic: FilterExpression()})
    consumer.startup()
    if not listener.pushed.wait(RECEIVES * AWAIT_SECONDS):
        sys.exit("nothing was pushed")
    consumer.shutdown()


send()
receive()
get_pushed()
