// Asks Apache's servers everything that fixtures are made of, with Apache's own client.
// Run by record-remoting.mjs: java RecordRequests.java <nameserver> <broker>, both addresses of recording relays.
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.PopResult;
import org.apache.rocketmq.client.impl.ClientRemotingProcessor;
import org.apache.rocketmq.client.impl.mqclient.MQClientAPIExt;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageClientIDSetter;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.protocol.header.*;
import org.apache.rocketmq.remoting.protocol.heartbeat.*;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;

public class RecordRequests {
  static final long TIMEOUT = 10_000;
  static final String TOPIC = "Recorded", GROUP = "recorders", BROKER = "broker-a";

  public static void main(String[] args) {
    attempt(() -> ask(args[0], args[1]));
    // Threads of the client would keep the process alive.
    System.exit(0);
  }

  static void ask(String nameserver, String broker) throws Exception {
    ClientConfig config = new ClientConfig();
    config.setNamesrvAddr(nameserver);
    MQClientAPIExt api = new MQClientAPIExt(config, new NettyClientConfig(), new ClientRemotingProcessor(null), null);
    api.updateNameServerAddressList(nameserver);
    api.start();

    TopicConfig topic = new TopicConfig(TOPIC, 2, 2, 6);
    topic.setAttributes(new HashMap<>(java.util.Map.of("+message.type", "NORMAL")));
    api.createTopic(broker, "TBW102", topic, TIMEOUT);
    api.getTopicConfig(broker, TOPIC, TIMEOUT);
    attempt(() -> api.getTopicConfig(broker, "Nowhere", TIMEOUT));
    SubscriptionGroupConfig group = new SubscriptionGroupConfig();
    group.setGroupName(GROUP);
    api.createSubscriptionGroup(broker, group, TIMEOUT);
    api.getSubscriptionGroupConfig(broker, GROUP, TIMEOUT);
    api.getTopicRouteInfoFromNameServer(TOPIC, TIMEOUT);
    attempt(() -> api.getTopicRouteInfoFromNameServer("Nowhere", TIMEOUT));
    api.getBrokerClusterInfo(TIMEOUT);
    api.getTopicListFromNameServer(TIMEOUT);
    api.getBrokerRuntimeInfo(broker, TIMEOUT);
    heartbeat(api, broker);

    for (int index = 0; index < 3; index += 1) send(api, broker, index);
    pop(api, broker);
    offsets(api, broker);
    attempt(() -> api.notification(broker, notification(), TIMEOUT).get());
    api.unregisterClient(broker, "client@1", "p", GROUP, TIMEOUT);
    api.deleteTopicInBroker(broker, TOPIC, TIMEOUT);
  }

  interface Step {
    void run() throws Exception;
  }

  static void attempt(Step step) {
    try {
      step.run();
    } catch (Exception expected) {
      System.out.println("answered: " + expected.getMessage());
    }
  }

  static void heartbeat(MQClientAPIExt api, String broker) throws Exception {
    ProducerData producer = new ProducerData();
    producer.setGroupName("p");
    ConsumerData consumer = new ConsumerData();
    consumer.setGroupName(GROUP);
    consumer.setConsumeType(ConsumeType.CONSUME_PASSIVELY);
    consumer.setMessageModel(MessageModel.CLUSTERING);
    consumer.setConsumeFromWhere(org.apache.rocketmq.common.consumer.ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
    SubscriptionData subscription = new SubscriptionData(TOPIC, "TagA");
    subscription.getTagsSet().add("TagA");
    subscription.getCodeSet().add("TagA".hashCode());
    consumer.setSubscriptionDataSet(new HashSet<>(List.of(subscription)));
    HeartbeatData data = new HeartbeatData();
    data.setClientID("client@1");
    data.setProducerDataSet(new HashSet<>(List.of(producer)));
    data.setConsumerDataSet(new HashSet<>(List.of(consumer)));
    api.sendHeartbeat(broker, data, TIMEOUT);
  }

  static void send(MQClientAPIExt api, String broker, int index) throws Exception {
    Message message = new Message(TOPIC, "TagA", "key-" + index, ("body " + index + " \u00e4\u6d4b").getBytes("UTF-8"));
    MessageClientIDSetter.setUniqID(message);
    SendMessageRequestHeader header = new SendMessageRequestHeader();
    header.setProducerGroup("p");
    header.setTopic(TOPIC);
    header.setDefaultTopic("TBW102");
    header.setDefaultTopicQueueNums(4);
    header.setQueueId(index % 2);
    header.setSysFlag(0);
    header.setBornTimestamp(System.currentTimeMillis());
    header.setFlag(0);
    header.setProperties(MessageDecoder.messageProperties2String(message.getProperties()));
    header.setReconsumeTimes(0);
    header.setUnitMode(false);
    header.setBatch(false);
    api.sendMessageAsync(broker, BROKER, message, header, TIMEOUT).get();
  }

  static PopMessageRequestHeader popHeader(long pollTime) {
    PopMessageRequestHeader header = new PopMessageRequestHeader();
    header.setConsumerGroup(GROUP);
    header.setTopic(TOPIC);
    header.setQueueId(-1);
    header.setMaxMsgNums(32);
    header.setInvisibleTime(60_000);
    header.setPollTime(pollTime);
    header.setBornTime(System.currentTimeMillis());
    header.setInitMode(0);
    header.setExpType("TAG");
    header.setExp("*");
    return header;
  }

  static void pop(MQClientAPIExt api, String broker) throws Exception {
    PopResult result = api.popMessageAsync(broker, BROKER, popHeader(5_000), TIMEOUT).get();
    List<MessageExt> messages = result.getMsgFoundList();
    System.out.println("popped " + messages.size());
    attempt(() -> api.popMessageAsync(broker, BROKER, popHeader(100), TIMEOUT).get());

    MessageExt first = messages.get(0);
    ChangeInvisibleTimeRequestHeader change = new ChangeInvisibleTimeRequestHeader();
    change.setConsumerGroup(GROUP);
    change.setTopic(TOPIC);
    change.setQueueId(first.getQueueId());
    change.setOffset(first.getQueueOffset());
    change.setExtraInfo(first.getProperty("POP_CK"));
    change.setInvisibleTime(30_000L);
    String changed = api.changeInvisibleTimeAsync(broker, BROKER, change, TIMEOUT).get().getExtraInfo();

    AckMessageRequestHeader ack = new AckMessageRequestHeader();
    ack.setConsumerGroup(GROUP);
    ack.setTopic(TOPIC);
    ack.setQueueId(first.getQueueId());
    ack.setOffset(first.getQueueOffset());
    ack.setExtraInfo(changed);
    api.ackMessageAsync(broker, ack, TIMEOUT).get();
    AckMessageRequestHeader outside = new AckMessageRequestHeader();
    outside.setConsumerGroup(GROUP);
    outside.setTopic(TOPIC);
    outside.setQueueId(first.getQueueId());
    outside.setOffset(4711L);
    outside.setExtraInfo(changed);
    attempt(() -> api.ackMessageAsync(broker, outside, TIMEOUT).get());
    if (messages.size() > 1) {
      List<String> handles = messages.subList(1, messages.size()).stream().map(m -> m.getProperty("POP_CK")).toList();
      api.batchAckMessageAsync(broker, TOPIC, GROUP, handles, TIMEOUT).get();
    }
  }

  static void offsets(MQClientAPIExt api, String broker) throws Exception {
    MessageQueue queue = new MessageQueue(TOPIC, BROKER, 0);
    api.getMaxOffset(broker, queue, TIMEOUT);
    api.getMinOffset(broker, queue, TIMEOUT);
    QueryConsumerOffsetRequestHeader header = new QueryConsumerOffsetRequestHeader();
    header.setConsumerGroup("nobody");
    header.setTopic(TOPIC);
    header.setQueueId(0);
    attempt(() -> api.queryConsumerOffset(broker, header, TIMEOUT));
    header.setSetZeroIfNotFound(true);
    attempt(() -> api.queryConsumerOffset(broker, header, TIMEOUT));
  }

  static NotificationRequestHeader notification() {
    NotificationRequestHeader header = new NotificationRequestHeader();
    header.setConsumerGroup(GROUP);
    header.setTopic(TOPIC);
    header.setQueueId(-1);
    header.setPollTime(100);
    header.setBornTime(System.currentTimeMillis());
    return header;
  }
}
