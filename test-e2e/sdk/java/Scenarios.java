// Runs named scenarios with the official Java client. Arguments: endpoints joined by ',', prefix of topics and groups,
// scenarios (`name@endpoints` where one needs its own). All run side by side and print a JSON line each, {scenario, ok,
// detail} or {scenario, none}; the clients go on until the input ends.

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.ClientConfigurationBuilder;
import org.apache.rocketmq.client.apis.ClientServiceProvider;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.consumer.FilterExpressionType;
import org.apache.rocketmq.client.apis.consumer.MessageListener;
import org.apache.rocketmq.client.apis.consumer.PushConsumer;
import org.apache.rocketmq.client.apis.consumer.SimpleConsumer;
import org.apache.rocketmq.client.apis.message.Message;
import org.apache.rocketmq.client.apis.message.MessageBuilder;
import org.apache.rocketmq.client.apis.message.MessageView;
import org.apache.rocketmq.client.apis.producer.Producer;
import org.apache.rocketmq.client.apis.producer.SendReceipt;
import org.apache.rocketmq.client.apis.producer.TransactionResolution;
import org.apache.rocketmq.client.java.impl.consumer.PushSubscriptionSettings;

public class Scenarios {
    private static final Duration AWAIT = Duration.ofSeconds(1);
    /** More than the default of 3 s: the machine may be busy. */
    private static final Duration REQUEST_MAX = Duration.ofSeconds(10);
    private static final Duration INVISIBLE = Duration.ofSeconds(30);
    private static final Duration SHORT_INVISIBLE = Duration.ofSeconds(1);
    static final int SCENARIO_SECONDS_MAX = 60;
    private static final Duration SESSION_PAUSE = Duration.ofMillis(150);
    /** Longer than anything that ends what is idle. */
    private static final Duration IDLE_PAUSE = Duration.ofSeconds(150);
    private static final int FEW = 4;
    private static final int MANY = 60;
    private static final int CACHED_MAX = 4;
    /** The operator's command included. */
    private static final Duration TOLD_MAX = Duration.ofSeconds(30);
    private static final long POLL_MS = 20;
    /** The client's default. */
    private static final int SESSION_CACHED_MAX = 1024;
    private static final int THREADS = 4;
    private static final int BODY_BYTES_MAX = 4 * 1024 * 1024;
    private static final int ROOM_FOR_HEADERS = 64 * 1024;
    private static final String DONE = "";
    private static final List<String> MESSAGE_GROUPS = List.of("a", "b");
    private static final int ORDERED_EACH = 6;
    private static final long DELAY_MS = 3_000;
    /** Long enough for a busy machine to recall it before. */
    private static final long RECALLED_MS = 10_000;
    /** Ended by their sender, or when it is asked. */
    private static final List<String> TRANSACTIONS =
            List.of("commit now", "rollback now", "commit when asked", "rollback when asked");
    private static final List<String> COMMITTED = List.of("commit now", "commit when asked");
    /** The first delivery of this message fails where one is to. */
    private static final String FAILING = "a 2";
    private static final FilterExpression SQL =
            new FilterExpression("number > 1 AND (TAGS = 'A' OR TAGS IS NULL)", FilterExpressionType.SQL92);

    private static final ClientServiceProvider provider = ClientServiceProvider.loadService();
    private static final List<AutoCloseable> opened = Collections.synchronizedList(new ArrayList<>());
    private static final AtomicInteger clients = new AtomicInteger();
    private static String[] endpoints;

    /** Returns what it has to tell; a failure is thrown. */
    private interface Scenario {
        String run(String topic, String ownEndpoints) throws Exception;
    }

    /** Says why the client has no such feature. */
    private static final class Missing extends Exception {
        Missing(String reason) {
            super(reason);
        }
    }

    private interface Receive {
        List<MessageView> from(SimpleConsumer consumer) throws Exception;
    }

    private static final Map<String, Scenario> SCENARIOS = new TreeMap<>(Map.ofEntries(
            Map.entry("send-sync", (topic, own) -> roundTrip(topic, next(), Scenarios::receiveNow)),
            Map.entry("send-async", (topic, own) -> sendAsync(topic)),
            Map.entry("send-batch", (topic, own) -> { throw new Missing("a request has one message"); }),
            Map.entry("receive-sync", (topic, own) -> roundTrip(topic, next(), Scenarios::receiveNow)),
            Map.entry("receive-async", (topic, own) -> roundTrip(topic, next(), Scenarios::receiveInFuture)),
            Map.entry("change-invisible", (topic, own) -> changeInvisible(topic)),
            Map.entry("push", (topic, own) -> push(topic)),
            Map.entry("push-retry", (topic, own) -> failing(topic, 3, attempt -> attempt < 3)),
            Map.entry("push-groups", (topic, own) -> pushGroups(topic)),
            Map.entry("push-shared", (topic, own) -> pushShared(topic)),
            Map.entry("group-reset", (topic, own) -> groupReset(topic)),
            Map.entry("settings-pushed", (topic, own) -> settingsPushed(topic)),
            Map.entry("group-disabled", (topic, own) -> groupDisabled(topic)),
            Map.entry("tag-one", (topic, own) -> filtered(topic, "A", "A", "A")),
            Map.entry("tag-either", (topic, own) -> filtered(topic, "A || B", "A", "A", "B")),
            Map.entry("tag-any", (topic, own) -> filtered(topic, "*", "-", "A", "A", "B", "C")),
            Map.entry("sql-filter", (topic, own) -> filtered(topic, SQL, "-", "A")),
            Map.entry("dead-letter", (topic, own) -> failing(topic, 2, attempt -> true)),
            Map.entry("fifo-simple", (topic, own) -> fifoSimple(topic)),
            Map.entry("fifo-push", (topic, own) -> pushInOrder(topic, "")),
            Map.entry("fifo-retry", (topic, own) -> pushInOrder(topic, FAILING)),
            Map.entry("transaction", (topic, own) -> transaction(topic)),
            Map.entry("delay", (topic, own) -> delay(topic)),
            Map.entry("recall", (topic, own) -> recall(topic)),
            Map.entry("dedup", (topic, own) -> dedup(topic)),
            Map.entry("attributes", (topic, own) -> attributes(topic)),
            Map.entry("bodies", (topic, own) -> bodies(topic)),
            Map.entry("body-large", (topic, own) -> expectBodies(topic, List.of(filled(BODY_BYTES_MAX - ROOM_FOR_HEADERS)))),
            Map.entry("body-largest", (topic, own) -> expectBodies(topic, List.of(filled(BODY_BYTES_MAX)))),
            Map.entry("topic-created", (topic, own) -> roundTrip(topic, next(), Scenarios::receiveNow)),
            Map.entry("topic-refused", Scenarios::topicRefused),
            Map.entry("plaintext", (topic, own) -> roundTrip(topic, next().enableSsl(false), Scenarios::receiveNow)),
            Map.entry("tls", (topic, own) -> roundTrip(topic, next().enableSsl(true), Scenarios::receiveNow)),
            Map.entry("session", (topic, own) -> session("session", topic, own, SESSION_PAUSE)),
            Map.entry("idle-session", (topic, own) -> session("idle-session", topic, own, IDLE_PAUSE))));

    private static ClientConfigurationBuilder to(String endpointsOfClient) {
        return ClientConfiguration.newBuilder().setEndpoints(endpointsOfClient).setRequestTimeout(REQUEST_MAX);
    }

    /** The configuration of the next client; each takes the next of the endpoints. */
    private static ClientConfigurationBuilder next() {
        return to(endpoints[clients.getAndIncrement() % endpoints.length]);
    }

    /** It is closed at the end. */
    private static <Client extends AutoCloseable> Client opened(Client client) {
        opened.add(client);
        return client;
    }

    private static Producer startProducer(String topic, ClientConfigurationBuilder to) throws Exception {
        return opened(provider.newProducerBuilder().setClientConfiguration(to.build()).setTopics(topic).build());
    }

    private static SimpleConsumer startSimple(String topic, String expression, ClientConfigurationBuilder to) throws Exception {
        return startSimple(topic, topic, expression, to);
    }

    private static SimpleConsumer startSimple(String topic, String group, String tags, ClientConfigurationBuilder to)
            throws Exception {
        return startSimple(topic, group, new FilterExpression(tags), to);
    }

    private static SimpleConsumer startSimple(String topic, String group, FilterExpression expression,
            ClientConfigurationBuilder to) throws Exception {
        return opened(provider.newSimpleConsumerBuilder().setClientConfiguration(to.build()).setConsumerGroup(group)
                .setAwaitDuration(AWAIT).setSubscriptionExpressions(Map.of(topic, expression)).build());
    }

    private static PushConsumer startPush(String topic, String group, MessageListener listener) throws Exception {
        return startPush(topic, group, listener, next(), CACHED_MAX);
    }

    private static PushConsumer startPush(String topic, String group, MessageListener listener, ClientConfigurationBuilder to,
            int cached) throws Exception {
        return opened(provider.newPushConsumerBuilder().setClientConfiguration(to.build()).setConsumerGroup(group)
                .setSubscriptionExpressions(Map.of(topic, FilterExpression.SUB_ALL)).setMessageListener(listener)
                .setMaxCacheMessageCount(cached).setConsumptionThreadCount(THREADS).build());
    }

    static void expect(boolean holds, String otherwise) {
        if (!holds) throw new IllegalStateException(otherwise);
    }

    private static void expectSame(Object got, Object wanted, String what) {
        expect(got.equals(wanted), what + ": " + got + ", not " + wanted);
    }

    static MessageBuilder message(String topic, byte[] body) {
        return provider.newMessageBuilder().setTopic(topic).setBody(body);
    }

    private static List<Message> messages(String topic, int count) {
        return IntStream.range(0, count).mapToObj(i -> message(topic, ("message " + i).getBytes(UTF_8)).build()).toList();
    }

    private static List<String> sendAll(Producer producer, String topic, int count) throws Exception {
        var ids = new ArrayList<String>();
        for (var message : messages(topic, count)) ids.add(producer.send(message).getMessageId().toString());
        Collections.sort(ids);
        return ids;
    }

    private static List<MessageView> receiveNow(SimpleConsumer consumer) throws Exception {
        var messages = consumer.receive(32, INVISIBLE);
        for (var message : messages) consumer.ack(message);
        return messages;
    }

    private static List<MessageView> receiveInFuture(SimpleConsumer consumer) throws Exception {
        return consumer.receiveAsync(32, INVISIBLE).thenCompose(messages -> {
            var acks = messages.stream().map(consumer::ackAsync).toArray(CompletableFuture[]::new);
            return CompletableFuture.allOf(acks).thenApply(nothing -> messages);
        }).get(SCENARIO_SECONDS_MAX, TimeUnit.SECONDS);
    }

    /** Receives and acknowledges until there are so many. */
    private static List<MessageView> receiveSome(SimpleConsumer consumer, int count, Receive receive) throws Exception {
        var messages = new ArrayList<MessageView>();
        var endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(SCENARIO_SECONDS_MAX);
        while (messages.size() < count && System.nanoTime() < endNanos) messages.addAll(receive.from(consumer));
        return messages;
    }

    /** The same, and what else comes in one more receive of each endpoint. */
    private static List<MessageView> receiveAll(SimpleConsumer consumer, int count, Receive receive) throws Exception {
        var messages = receiveSome(consumer, count, receive);
        for (int extra = 0; extra < endpoints.length; extra++) messages.addAll(receive.from(consumer));
        return messages;
    }

    private static List<MessageView> receiveAll(String topic, String expression, int count) throws Exception {
        return receiveAll(startSimple(topic, expression, next()), count, Scenarios::receiveNow);
    }

    private static List<String> idsOf(List<MessageView> messages) {
        return messages.stream().map(message -> message.getMessageId().toString()).sorted().toList();
    }

    private static String deliveryOf(MessageView message) {
        return message.getMessageId() + " " + message.getDeliveryAttempt();
    }

    static byte[] bodyOf(MessageView message) {
        ByteBuffer buffer = message.getBody();
        var bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    private static String roundTrip(String topic, ClientConfigurationBuilder to, Receive receive) throws Exception {
        var ids = sendAll(startProducer(topic, to), topic, FEW);
        expectSame(idsOf(receiveAll(startSimple(topic, "*", to), FEW, receive)), ids, "received");
        return DONE;
    }

    private static String sendAsync(String topic) throws Exception {
        var producer = startProducer(topic, next());
        List<CompletableFuture<SendReceipt>> futures = messages(topic, FEW).stream().map(producer::sendAsync).toList();
        var ids = new ArrayList<String>();
        for (var future : futures) ids.add(future.get().getMessageId().toString());
        Collections.sort(ids);
        expectSame(idsOf(receiveAll(topic, "*", FEW)), ids, "received");
        return DONE;
    }

    private static String changeInvisible(String topic) throws Exception {
        var id = sendAll(startProducer(topic, next()), topic, 1).get(0);
        var consumer = startSimple(topic, "*", next());
        var seen = new ArrayList<String>();
        var endNanos = System.nanoTime() + INVISIBLE.toNanos();
        while (seen.size() < 2 && System.nanoTime() < endNanos) {
            for (var message : consumer.receive(1, INVISIBLE)) {
                seen.add(deliveryOf(message));
                consumer.changeInvisibleDuration(message, seen.size() == 1 ? SHORT_INVISIBLE : INVISIBLE);
                if (seen.size() == 2) consumer.ack(message);
            }
        }
        expectSame(seen, List.of(id + " 1", id + " 2"), "deliveries");
        return DONE;
    }

    private static String push(String topic) throws Exception {
        var ids = sendAll(startProducer(topic, next()), topic, FEW);
        var collector = new Collector(FEW);
        startPush(topic, topic, collector::add);
        var messages = collector.await();
        expectSame(idsOf(messages), ids, "pushed");
        expect(messages.stream().allMatch(message -> message.getDeliveryAttempt() == 1), "an attempt is not 1");
        return DONE;
    }

    /** The first deliveries fail, and the listener sees each attempt; returns the message id. */
    private static String failing(String topic, int attempts, Predicate<Integer> fails) throws Exception {
        var id = sendAll(startProducer(topic, next()), topic, 1).get(0);
        var collector = new Collector(attempts);
        startPush(topic, topic, message -> {
            collector.add(message);
            return fails.test(message.getDeliveryAttempt()) ? ConsumeResult.FAILURE : ConsumeResult.SUCCESS;
        });
        var wanted = IntStream.rangeClosed(1, attempts).mapToObj(attempt -> id + " " + attempt).toList();
        expectSame(collector.await().stream().map(Scenarios::deliveryOf).toList(), wanted, "deliveries");
        return id;
    }

    private static String transaction(String topic) throws Exception {
        var producer = opened(provider.newProducerBuilder()
                .setClientConfiguration(next().build())
                .setTopics(topic)
                .setTransactionChecker(message -> textOf(message).startsWith("commit")
                        ? TransactionResolution.COMMIT
                        : TransactionResolution.ROLLBACK)
                .build());
        for (var text : TRANSACTIONS) {
            var transaction = producer.beginTransaction();
            producer.send(message(topic, text.getBytes(UTF_8)).build(), transaction);
            if (text.equals("commit now")) transaction.commit();
            if (text.equals("rollback now")) transaction.rollback();
        }
        var came = receiveAll(topic, "*", COMMITTED.size()).stream().map(Scenarios::textOf).sorted().toList();
        expectSame(came, COMMITTED, "received");
        return DONE;
    }

    private static Message delayed(String topic, String text, long dueMs) {
        return message(topic, text.getBytes(UTF_8)).setDeliveryTimestamp(dueMs).build();
    }

    private static String delay(String topic) throws Exception {
        var dueMs = System.currentTimeMillis() + DELAY_MS;
        startProducer(topic, next()).send(delayed(topic, "delayed", dueMs));
        expectSame(receiveAll(topic, "*", 1).stream().map(Scenarios::textOf).toList(), List.of("delayed"), "received");
        if (System.currentTimeMillis() < dueMs) throw new IllegalStateException("it came early");
        return DONE;
    }

    private static String recall(String topic) throws Exception {
        var producer = startProducer(topic, next());
        var dueMs = System.currentTimeMillis() + RECALLED_MS;
        var receipt = producer.send(delayed(topic, "recalled", dueMs));
        producer.send(delayed(topic, "kept", dueMs));
        producer.recallMessage(topic, receipt.getRecallHandle());
        expectSame(receiveAll(topic, "*", 1).stream().map(Scenarios::textOf).toList(), List.of("kept"), "received");
        return DONE;
    }

    /** So many messages of each group in turn. */
    private static void sendInOrder(String topic) throws Exception {
        var producer = startProducer(topic, next());
        for (int number = 0; number < ORDERED_EACH; number++) {
            for (var group : MESSAGE_GROUPS) {
                var body = (group + " " + number).getBytes(UTF_8);
                producer.send(message(topic, body).setMessageGroup(group).build());
            }
        }
    }

    private static String textOf(MessageView message) {
        return new String(bodyOf(message), UTF_8);
    }

    /** Bodies of each group in the order in which they came; one of them twice where it failed. */
    private static void expectInOrder(List<MessageView> messages, String failing) {
        for (var group : MESSAGE_GROUPS) {
            var wanted = new ArrayList<String>();
            for (int number = 0; number < ORDERED_EACH; number++) {
                var text = group + " " + number;
                wanted.add(text);
                if (text.equals(failing)) wanted.add(text);
            }
            var came = messages.stream().map(Scenarios::textOf).filter(text -> text.startsWith(group)).toList();
            expectSame(came, wanted, "group " + group);
        }
    }

    private static String fifoSimple(String topic) throws Exception {
        sendInOrder(topic);
        expectInOrder(receiveAll(topic, "*", MESSAGE_GROUPS.size() * ORDERED_EACH), "");
        return DONE;
    }

    private static String pushInOrder(String topic, String failing) throws Exception {
        sendInOrder(topic);
        var collector = new Collector(MESSAGE_GROUPS.size() * ORDERED_EACH + (failing.isEmpty() ? 0 : 1));
        startPush(topic, topic, message -> {
            collector.add(message);
            boolean fails = textOf(message).equals(failing) && message.getDeliveryAttempt() == 1;
            return fails ? ConsumeResult.FAILURE : ConsumeResult.SUCCESS;
        });
        expectInOrder(collector.await(), failing);
        return DONE;
    }

    private static String pushGroups(String topic) throws Exception {
        var ids = sendAll(startProducer(topic, next()), topic, FEW);
        var collectors = new TreeMap<String, Collector>();
        for (int number = 1; number <= 3; number++) {
            var collector = new Collector(FEW);
            collectors.put(topic + "-" + number, collector);
            startPush(topic, topic + "-" + number, collector::add);
        }
        for (var entry : collectors.entrySet()) {
            expectSame(idsOf(entry.getValue().await()), ids, "pushed to " + entry.getKey());
        }
        return DONE;
    }

    private static String groupReset(String topic) throws Exception {
        var ids = sendAll(startProducer(topic, next()), topic, FEW);
        var consumer = startSimple(topic, "*", next());
        var other = startSimple(topic, topic + "-other", "*", next());
        expectSame(idsOf(receiveSome(consumer, FEW, Scenarios::receiveNow)), ids, "received");
        expectSame(idsOf(receiveSome(other, FEW, Scenarios::receiveNow)), ids, "received by the other group");
        System.out.println("{\"asks\":\"group-reset\"}");
        var again = receiveSome(consumer, FEW, Scenarios::receiveNow);
        expectSame(idsOf(again), ids, "received again");
        expect(again.stream().allMatch(message -> message.getDeliveryAttempt() == 1), "an attempt is not 1");
        expectSame(idsOf(receiveAll(other, 0, Scenarios::receiveNow)), List.of(), "received again by the other group");
        return DONE;
    }

    /** What the client was told of its group; its own class is not public. */
    private static PushSubscriptionSettings settingsOf(PushConsumer consumer) throws ReflectiveOperationException {
        var field = consumer.getClass().getDeclaredField("pushSubscriptionSettings");
        field.setAccessible(true);
        return (PushSubscriptionSettings) field.get(consumer);
    }

    private static String settingsPushed(String topic) throws Exception {
        sendAll(startProducer(topic, next()), topic, 1);
        var collector = new Collector(1);
        var settings = settingsOf(startPush(topic, topic, collector::add));
        collector.await();
        expect(!settings.isFifo(), "the group is in order already");
        System.out.println("{\"asks\":\"settings-pushed\"}");
        var endNanos = System.nanoTime() + TOLD_MAX.toNanos();
        while (!settings.isFifo() && System.nanoTime() < endNanos) Thread.sleep(POLL_MS);
        expect(settings.isFifo(), "not told within " + TOLD_MAX);
        return DONE;
    }

    private static String groupDisabled(String topic) throws Exception {
        sendAll(startProducer(topic, next()), topic, 1);
        var consumer = startSimple(topic, "*", next());
        try {
            consumer.receive(1, INVISIBLE);
        } catch (Exception error) {
            var text = causesOf(error);
            expect(text.contains("40300") && text.contains("switched off"), text);
            return DONE;
        }
        throw new IllegalStateException("it was answered");
    }

    /** No listener returns before each consumer has got a message, and none may hold all of them meanwhile. */
    private static String pushShared(String topic) throws Exception {
        final int consumers = 3;
        var collector = new Collector(MANY);
        Set<Integer> busy = ConcurrentHashMap.newKeySet();
        var everybodyHasOne = new CountDownLatch(consumers);
        for (int i = 0; i < consumers; i++) {
            final int number = i;
            startPush(topic, topic, message -> {
                if (busy.add(number)) everybodyHasOne.countDown();
                collector.add(message);
                try {
                    everybodyHasOne.await();
                } catch (InterruptedException interrupted) {
                    return ConsumeResult.FAILURE;
                }
                return ConsumeResult.SUCCESS;
            });
        }
        var ids = sendAll(startProducer(topic, next()), topic, MANY);
        expectSame(idsOf(collector.await()), ids, "pushed");
        return DONE;
    }

    private static String filtered(String topic, String tags, String... wantedTags) throws Exception {
        return filtered(topic, new FilterExpression(tags), wantedTags);
    }

    private static String filtered(String topic, FilterExpression expression, String... wantedTags) throws Exception {
        var producer = startProducer(topic, next());
        var number = 0;
        for (var tag : List.of("A", "B", "C", "", "A")) {
            var builder = message(topic, new byte[] {1}).addProperty("number", String.valueOf(++number));
            producer.send((tag.isEmpty() ? builder : builder.setTag(tag)).build());
        }
        var consumer = startSimple(topic, topic, expression, next());
        var tags = receiveAll(consumer, wantedTags.length, Scenarios::receiveNow).stream()
                .map(message -> message.getTag().orElse("-")).sorted().toList();
        expectSame(tags, List.of(wantedTags), "tags for " + expression.getExpression());
        return DONE;
    }

    /** Messages with the same key are stored once. */
    private static String dedup(String topic) throws Exception {
        var producer = startProducer(topic, next());
        for (var one : List.of("first:one", "second:one", "third:other")) {
            var parts = one.split(":");
            producer.send(message(topic, parts[0].getBytes(UTF_8)).setKeys(parts[1]).build());
        }
        var texts = receiveAll(topic, "*", 2).stream().map(Scenarios::textOf).sorted().toList();
        expectSame(texts, List.of("first", "third"), "received");
        return DONE;
    }

    private static String attributes(String topic) throws Exception {
        var properties = Map.of("colour", "grün", "空", "✓ 値");
        var sent = message(topic, "attributes".getBytes(UTF_8)).setTag("färbe").setKeys("order-1", "ключ");
        properties.forEach(sent::addProperty);
        var id = startProducer(topic, next()).send(sent.build()).getMessageId();
        var got = receiveAll(topic, "*", 1).get(0);
        expectSame(List.of(got.getTopic(), got.getTag().orElse(""), Set.copyOf(got.getKeys()), got.getProperties(),
                new String(bodyOf(got), UTF_8)),
                List.of(topic, "färbe", Set.of("order-1", "ключ"), properties, "attributes"), "message");
        expectSame(deliveryOf(got), id + " 1", "message id and attempt");
        var ageMillis = Math.abs(System.currentTimeMillis() - got.getBornTimestamp());
        var isFresh = !got.getBornHost().isEmpty() && ageMillis < TimeUnit.SECONDS.toMillis(SCENARIO_SECONDS_MAX);
        expect(isFresh, "born " + ageMillis + " ms ago at " + got.getBornHost());
        return DONE;
    }

    private static byte[] filled(int length) {
        return "x".repeat(length).getBytes(UTF_8);
    }

    private static String bodies(String topic) throws Exception {
        var binary = new byte[256];
        for (int value = 0; value < binary.length; value++) binary[value] = (byte) value;
        return expectBodies(topic, List.of("Grüße, 世界 🚀".getBytes(UTF_8), binary, new byte[] {0}, new byte[] {' '}));
    }

    private static String expectBodies(String topic, List<byte[]> sent) throws Exception {
        var producer = startProducer(topic, next());
        for (var body : sent) producer.send(message(topic, body).build());
        var got = receiveAll(topic, "*", sent.size()).stream().map(Scenarios::bodyOf).sorted(Arrays::compare).toList();
        var wanted = sent.stream().sorted(Arrays::compare).toList();
        var same = got.size() == wanted.size()
                && IntStream.range(0, got.size()).allMatch(i -> Arrays.equals(got.get(i), wanted.get(i)));
        expect(same, "bodies differ: " + got.stream().map(body -> body.length + " bytes").toList());
        return DONE;
    }

    private static String topicRefused(String topic, String ownEndpoints) throws Exception {
        try {
            startProducer(topic, to(ownEndpoints));
        } catch (Exception error) {
            var text = causesOf(error);
            expect(text.contains("40402") && text.contains(topic), text);
            return DONE;
        }
        throw new IllegalStateException("the producer started");
    }

    /** It goes on until the input ends. */
    private static String session(String name, String topic, String ownEndpoints, Duration pause) throws Exception {
        // With the default limits of the client.
        var to = ownEndpoints.contains(":") ? ownEndpoints : endpoints[0];
        Supplier<ClientConfigurationBuilder> at = () -> ClientConfiguration.newBuilder().setEndpoints(to);
        var session = new Session(name, topic, pause);
        var producer = startProducer(topic, at.get());
        var consumer = startSimple(topic, topic + "-simple", "*", at.get());
        startPush(topic, topic + "-push", session::consume, at.get(), SESSION_CACHED_MAX);
        session.produce(producer);
        session.receive(consumer);
        return DONE;
    }

    static String causesOf(Throwable error) {
        var text = new StringBuilder();
        for (Throwable cause = error; cause != null; cause = cause.getCause()) text.append(cause).append(' ');
        return text.toString();
    }

    static String quoted(String text) {
        var json = new StringBuilder("\"");
        for (char letter : text.toCharArray()) {
            if (letter < ' ' || letter == '"' || letter == '\\') json.append(String.format("\\u%04x", (int) letter));
            else json.append(letter);
        }
        return json.append('"').toString();
    }

    private static void run(String prefix, String name) {
        var scenario = name.split("@")[0];
        var say = "{\"scenario\":" + quoted(scenario) + ",";
        try {
            var work = SCENARIOS.get(scenario);
            if (work == null) {
                System.out.println(say + "\"none\":\"unknown to this program\"}");
                return;
            }
            var detail = work.run(prefix + "-" + scenario, name.substring(name.indexOf('@') + 1));
            System.out.println(say + "\"ok\":true,\"detail\":" + quoted(detail) + "}");
        } catch (Missing missing) {
            System.out.println(say + "\"none\":" + quoted(missing.getMessage()) + "}");
        } catch (Throwable error) {
            System.out.println(say + "\"ok\":false,\"detail\":" + quoted(error.toString()) + "}");
        }
    }

    private static boolean close(AutoCloseable client) {
        try {
            client.close();
            return true;
        } catch (Exception error) {
            System.err.println("ERROR closing: " + error);
            return false;
        }
    }

    public static void main(String[] arguments) throws Exception {
        endpoints = arguments[0].split(",");
        var pool = Executors.newCachedThreadPool();
        var running = Arrays.stream(arguments).skip(2)
                .map(name -> CompletableFuture.runAsync(() -> run(arguments[1], name), pool)).toList();
        running.forEach(CompletableFuture::join);
        System.in.transferTo(OutputStream.nullOutputStream());
        Session.hasEnded = true;
        var closing = opened.stream().map(client -> CompletableFuture.supplyAsync(() -> close(client), pool)).toList();
        var areClosed = closing.stream().allMatch(CompletableFuture::join);
        System.exit(areClosed ? 0 : 1); // the client leaves threads of its own behind
    }
}
