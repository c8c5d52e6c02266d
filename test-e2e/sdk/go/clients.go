// Clients of the scenarios, and what they have in common.
package main

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	rocketmq "github.com/apache/rocketmq-clients/golang/v5"
	"github.com/apache/rocketmq-clients/golang/v5/credentials"
	v2 "github.com/apache/rocketmq-clients/golang/v5/protocol/v2"
)

const (
	await          = 1 * time.Second
	requestMax     = 10 * time.Second // more than the default of 3 s: the machine may be busy
	invisible      = 30 * time.Second
	shortInvisible = 1 * time.Second
	few            = 4
	many           = 60
	cachedMax      = 4
	threads        = 4
)

type client interface {
	Start() error
	GracefulStop() error
}

var (
	clients atomic.Int32
	dialing sync.RWMutex
	opening sync.Mutex
	opened  []client
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func expect(holds bool, format string, values ...any) {
	if !holds {
		panic(fmt.Sprintf(format, values...))
	}
}

func expectSame(got, wantedValue any, what string) {
	expect(reflect.DeepEqual(got, wantedValue), "%s: %v, not %v", what, got, wantedValue)
}

// The configuration of the next client; each takes the next of the endpoints unless it is given its own.
func config(group, ownEndpoints string) *rocketmq.Config {
	if ownEndpoints == "" {
		ownEndpoints = endpoints[int(clients.Add(1))%len(endpoints)]
	}
	return &rocketmq.Config{Endpoint: ownEndpoints, ConsumerGroup: group, Credentials: &credentials.SessionCredentials{}}
}

// Starts a client with TLS, the default; it is closed at the end.
func start[Client client](one Client, err error) Client {
	must(err)
	dialing.RLock()
	defer dialing.RUnlock()
	return startNow(one)
}

// Whether to use TLS is a variable of the package, so while such a client connects no other one does.
func startPlaintext[Client client](one Client, err error) Client {
	must(err)
	dialing.Lock()
	defer dialing.Unlock()
	rocketmq.EnableSsl = false
	defer func() { rocketmq.EnableSsl = true }()
	return startNow(one)
}

func startNow[Client client](one Client) Client {
	must(one.Start())
	opening.Lock()
	defer opening.Unlock()
	opened = append(opened, one)
	return one
}

// Closes all side by side, since each waits for its polls; returns how many failed.
func closeAll() int32 {
	var failures atomic.Int32
	var closing sync.WaitGroup
	for _, one := range opened {
		closing.Go(func() {
			if err := one.GracefulStop(); err != nil {
				fmt.Fprintln(os.Stderr, "ERROR closing:", err)
				failures.Add(1)
			}
		})
	}
	closing.Wait()
	return failures.Load()
}

// Consumers keep the default: how long a simple one polls and a push one closes depends on it.
func newProducer(topic string) (rocketmq.Producer, error) {
	producer, err := rocketmq.NewProducer(config("", ""), rocketmq.WithTopics(topic))
	if err == nil {
		producer.SetRequestTimeout(requestMax)
	}
	return producer, err
}

func newSimple(group, topic string, expression *rocketmq.FilterExpression) (rocketmq.SimpleConsumer, error) {
	subscription := map[string]*rocketmq.FilterExpression{topic: expression}
	return rocketmq.NewSimpleConsumer(config(group, ""), rocketmq.WithSimpleAwaitDuration(await),
		rocketmq.WithSimpleSubscriptionExpressions(subscription))
}

func startProducer(topic string) rocketmq.Producer {
	return start(newProducer(topic))
}

func startSimple(topic, expression string) rocketmq.SimpleConsumer {
	return start(newSimple(topic, topic, rocketmq.NewFilterExpression(expression)))
}

func startSimpleOf(group, topic string) rocketmq.SimpleConsumer {
	return start(newSimple(group, topic, rocketmq.SUB_ALL))
}

func startPush(topic, group string, consume func(*rocketmq.MessageView) rocketmq.ConsumerResult) rocketmq.PushConsumer {
	everything := map[string]*rocketmq.FilterExpression{topic: rocketmq.SUB_ALL}
	return start(rocketmq.NewPushConsumer(config(group, ""), rocketmq.WithPushAwaitDuration(await),
		rocketmq.WithPushSubscriptionExpressions(everything),
		rocketmq.WithPushMessageListener(&rocketmq.FuncMessageListener{Consume: consume}),
		rocketmq.WithPushConsumptionThreadCount(threads), rocketmq.WithPushMaxCacheMessageCount(cachedMax)))
}

func send(producer rocketmq.Producer, message *rocketmq.Message) string {
	receipts, err := producer.Send(context.Background(), message)
	must(err)
	return receipts[0].MessageID
}

func sendAll(producer rocketmq.Producer, topic string, count int) []string {
	ids := []string{}
	for number := range count {
		ids = append(ids, send(producer, &rocketmq.Message{Topic: topic, Body: fmt.Appendf(nil, "message %d", number)}))
	}
	return sorted(ids)
}

// Receives once; nothing to receive is no error here.
func receive(consumer rocketmq.SimpleConsumer, count int32) []*rocketmq.MessageView {
	messages, err := consumer.Receive(context.Background(), count, invisible)
	if status, isStatus := rocketmq.AsErrRpcStatus(err); isStatus && status.GetCode() == int32(v2.Code_MESSAGE_NOT_FOUND) {
		return nil
	}
	must(err)
	return messages
}

// Receives once and acknowledges.
func take(consumer rocketmq.SimpleConsumer) []*rocketmq.MessageView {
	messages := receive(consumer, 32)
	for _, message := range messages {
		must(consumer.Ack(context.Background(), message))
	}
	return messages
}

// Receives and acknowledges until there are so many.
func receiveSome(consumer rocketmq.SimpleConsumer, count int) []*rocketmq.MessageView {
	messages := []*rocketmq.MessageView{}
	for end := time.Now().Add(scenarioMax); len(messages) < count && time.Now().Before(end); {
		messages = append(messages, take(consumer)...)
	}
	return messages
}

// The same, and what else comes in one more receive of each endpoint.
func receiveAll(consumer rocketmq.SimpleConsumer, count int) []*rocketmq.MessageView {
	messages := receiveSome(consumer, count)
	for range endpoints {
		messages = append(messages, take(consumer)...)
	}
	return messages
}

// Collects what a listener is given, and tells when there is enough.
type collector struct {
	lock     sync.Mutex
	messages []*rocketmq.MessageView
	count    int
	enough   chan struct{}
}

func newCollector(count int) *collector {
	return &collector{count: count, enough: make(chan struct{})}
}

func (it *collector) add(message *rocketmq.MessageView) {
	it.lock.Lock()
	defer it.lock.Unlock()
	it.messages = append(it.messages, message)
	if len(it.messages) == it.count {
		close(it.enough)
	}
}

func (it *collector) succeed(message *rocketmq.MessageView) rocketmq.ConsumerResult {
	it.add(message)
	return rocketmq.SUCCESS
}

func (it *collector) wait() []*rocketmq.MessageView {
	<-it.enough
	it.lock.Lock()
	defer it.lock.Unlock()
	return slices.Clone(it.messages)
}

func sorted(items []string) []string {
	slices.Sort(items)
	return items
}

func mapOf(messages []*rocketmq.MessageView, read func(*rocketmq.MessageView) string) []string {
	texts := []string{}
	for _, message := range messages {
		texts = append(texts, read(message))
	}
	return texts
}

func idsOf(messages []*rocketmq.MessageView) []string {
	return sorted(mapOf(messages, (*rocketmq.MessageView).GetMessageId))
}

func deliveryOf(message *rocketmq.MessageView) string {
	return fmt.Sprintf("%s %d", message.GetMessageId(), message.GetDeliveryAttempt())
}
