// A session as an application has it: a producer that sends for ever, a simple and a push consumer, each told of as a JSON
// line {session, by, event, ms, seq or detail}, whatever happens to the servers meanwhile.

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.consumer.SimpleConsumer;
import org.apache.rocketmq.client.apis.message.MessageView;
import org.apache.rocketmq.client.apis.producer.Producer;

final class Session {
    private static final Duration INVISIBLE = Duration.ofSeconds(10);
    private static final int BATCH = 32;
    /** Receives without a message before a pause: two for each queue, and so for each broker. */
    private static final int EMPTY_MAX = 4;

    static volatile boolean hasEnded;

    private final String name;
    private final String topic;
    private final Duration pause;

    private interface Work {
        void run() throws Exception;
    }

    Session(String name, String topic, Duration pause) {
        this.name = name;
        this.topic = topic;
        this.pause = pause;
    }

    private void tell(String by, String event, String key, String value) {
        if (hasEnded) return;
        System.out.println("{\"session\":\"" + name + "\",\"by\":\"" + by + "\",\"event\":\"" + event + "\",\"ms\":"
                + System.currentTimeMillis() + ",\"" + key + "\":" + value + "}");
    }

    private void received(String by, MessageView message) {
        tell(by, "received", "seq", new String(Scenarios.bodyOf(message), UTF_8));
    }

    /** Each time after the pause, if it did not take longer; what fails is told. */
    private void forever(String by, Work work) {
        var thread = new Thread(() -> {
            while (!hasEnded) {
                var endNanos = System.nanoTime() + pause.toNanos();
                try {
                    work.run();
                } catch (Exception error) {
                    tell(by, "failed", "detail", Scenarios.quoted(Scenarios.causesOf(error)));
                }
                try {
                    TimeUnit.NANOSECONDS.sleep(endNanos - System.nanoTime());
                } catch (InterruptedException interrupted) {
                    return;
                }
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    void produce(Producer producer) {
        var seq = new int[1];
        forever("producer", () -> {
            var text = Integer.toString(++seq[0]);
            producer.send(Scenarios.message(topic, text.getBytes(UTF_8)).build());
            tell("producer", "sent", "seq", text);
        });
    }

    void receive(SimpleConsumer consumer) {
        forever("simple", () -> {
            for (int empty = 0; empty < EMPTY_MAX;) {
                var messages = consumer.receive(BATCH, INVISIBLE);
                for (var message : messages) {
                    received("simple", message);
                    consumer.ack(message);
                }
                empty = messages.isEmpty() ? empty + 1 : 0;
            }
        });
    }

    /** The listener of the push consumer. */
    ConsumeResult consume(MessageView message) {
        received("push", message);
        return ConsumeResult.SUCCESS;
    }
}
