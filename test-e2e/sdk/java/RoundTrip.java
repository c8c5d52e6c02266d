// Sends, receives, acknowledges and gets pushed with the official Java client and its defaults, which are TLS without a
// check of the certificate. Arguments: endpoints, topic. Prints a line for every step; anything else ends it with 1.

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.ClientServiceProvider;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.message.MessageView;

public class RoundTrip {
    private static final Duration AWAIT = Duration.ofSeconds(10);
    private static final Duration INVISIBLE = Duration.ofSeconds(30);
    private static final int RECEIVES = 3;

    private final ClientServiceProvider provider = ClientServiceProvider.loadService();
    private final ClientConfiguration configuration;
    private final String topic;
    private final Map<String, FilterExpression> everything;

    private RoundTrip(String endpoints, String topic) {
        this.configuration = ClientConfiguration.newBuilder().setEndpoints(endpoints).build();
        this.topic = topic;
        this.everything = Map.of(topic, FilterExpression.SUB_ALL);
    }

    private void send() throws Exception {
        try (var producer = provider.newProducerBuilder().setClientConfiguration(configuration).setTopics(topic).build()) {
            var body = "from Java".getBytes(StandardCharsets.UTF_8);
            var receipt = producer.send(provider.newMessageBuilder().setTopic(topic).setBody(body).build());
            System.out.println("sent " + receipt.getMessageId());
        }
    }

    private void receive() throws Exception {
        try (var consumer = provider.newSimpleConsumerBuilder().setClientConfiguration(configuration)
                .setConsumerGroup(topic + "-simple").setAwaitDuration(AWAIT).setSubscriptionExpressions(everything).build()) {
            List<MessageView> messages = List.of();
            for (int i = 0; i < RECEIVES && messages.isEmpty(); i++) messages = consumer.receive(16, INVISIBLE);
            for (MessageView message : messages) {
                System.out.println("received " + message.getMessageId() + " " + textOf(message));
                consumer.ack(message);
                System.out.println("acked " + message.getMessageId());
            }
        }
    }

    private void getPushed() throws Exception {
        var pushed = new CountDownLatch(1);
        var builder = provider.newPushConsumerBuilder().setClientConfiguration(configuration)
                .setConsumerGroup(topic + "-push").setSubscriptionExpressions(everything).setMessageListener(message -> {
                    System.out.println("pushed " + message.getMessageId() + " " + textOf(message));
                    pushed.countDown();
                    return ConsumeResult.SUCCESS;
                });
        try (var consumer = builder.build()) {
            if (!pushed.await(RECEIVES * AWAIT.toSeconds(), TimeUnit.SECONDS)) {
                throw new IllegalStateException("nothing was pushed to " + consumer.getConsumerGroup());
            }
        }
    }

    private static String textOf(MessageView message) {
        return StandardCharsets.UTF_8.decode(message.getBody()).toString();
    }

    public static void main(String[] arguments) throws Exception {
        var roundTrip = new RoundTrip(arguments[0], arguments[1]);
        roundTrip.send();
        roundTrip.receive();
        roundTrip.getPushed();
        System.exit(0); // the client leaves threads of its own behind
    }
}
