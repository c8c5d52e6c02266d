"""A session as an application has it: a producer that sends for ever, a simple and a push consumer, each told of as a JSON
line {session, by, event, ms, seq or detail}, whatever happens to the servers meanwhile."""

import threading
import time

from rocketmq import ConsumeResult

INVISIBLE_SECONDS = 10
BATCH = 32
EMPTY_MAX = 4  # receives without a message before a pause: two for each queue, and so for each broker


class Session:
    """The producer and the simple consumer are connected; from one message to the next it is a pause, or longer."""

    def __init__(self, name, pause_seconds, say, has_ended, message_of):
        self.name = name
        self.pause_seconds = pause_seconds
        self.say = say
        self.has_ended = has_ended
        self.message_of = message_of
        self.seq = 0

    def tell(self, by, event, **more):
        if not self.has_ended.is_set():
            self.say(session=self.name, by=by, event=event, ms=int(time.time() * 1000), **more)

    def tell_received(self, by, message):
        self.tell(by, "received", seq=int(message.body))

    def forever(self, by, work):
        """Each time after the pause, if it did not take longer; what fails is told."""

        def loop():
            while not self.has_ended.is_set():
                end = time.monotonic() + self.pause_seconds
                try:
                    work()
                except Exception as error:
                    self.tell(by, "failed", detail=repr(error))
                self.has_ended.wait(max(0, end - time.monotonic()))

        threading.Thread(target=loop, daemon=True).start()

    def produce(self, producer):
        def send():
            self.seq += 1
            producer.send(self.message_of(b"%d" % self.seq))
            self.tell("producer", "sent", seq=self.seq)

        self.forever("producer", send)

    def receive(self, consumer):
        def receive():
            empty = 0
            while empty < EMPTY_MAX:
                messages = consumer.receive(BATCH, INVISIBLE_SECONDS) or []
                for message in messages:
                    self.tell_received("simple", message)
                    consumer.ack(message)
                empty = 0 if messages else empty + 1

        self.forever("simple", receive)

    def consume(self, message):
        """The listener of the push consumer."""
        self.tell_received("push", message)
        return ConsumeResult.SUCCESS
