// What a listener was given, and the moment when there is enough.

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.message.MessageView;

final class Collector {
    private final List<MessageView> messages = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch enough;

    Collector(int count) {
        enough = new CountDownLatch(count);
    }

    ConsumeResult add(MessageView message) {
        messages.add(message);
        enough.countDown();
        return ConsumeResult.SUCCESS;
    }

    /** Resolves with all that came until there was enough. */
    List<MessageView> await() throws InterruptedException {
        var isEnough = enough.await(Scenarios.SCENARIO_SECONDS_MAX, TimeUnit.SECONDS);
        Scenarios.expect(isEnough, enough.getCount() + " deliveries are missing");
        synchronized (messages) {
            return List.copyOf(messages);
        }
    }
}
