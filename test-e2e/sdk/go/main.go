// Sends, receives, acknowledges and gets pushed with the official Go client and its defaults, which are TLS without a
// check of the certificate. Arguments: endpoints, topic. Prints a line for every step; anything else ends it with 1.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	rocketmq "github.com/apache/rocketmq-clients/golang/v5"
	"github.com/apache/rocketmq-clients/golang/v5/credentials"
)

const (
	await     = 10 * time.Second
	invisible = 30 * time.Second
	receives  = 3
)

var endpoints, topic = os.Args[1], os.Args[2]

func config(group string) *rocketmq.Config {
	return &rocketmq.Config{
		Endpoint:      endpoints,
		ConsumerGroup: group,
		Credentials:   &credentials.SessionCredentials{},
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func send() {
	producer, err := rocketmq.NewProducer(config(""), rocketmq.WithTopics(topic))
	must(err)
	must(producer.Start())
	receipts, err := producer.Send(context.Background(), &rocketmq.Message{Topic: topic, Body: []byte("from Go")})
	must(err)
	fmt.Println("sent", receipts[0].MessageID)
	must(producer.GracefulStop())
}

func receive(everything map[string]*rocketmq.FilterExpression) {
	consumer, err := rocketmq.NewSimpleConsumer(config(topic+"-simple"),
		rocketmq.WithSimpleAwaitDuration(await), rocketmq.WithSimpleSubscriptionExpressions(everything))
	must(err)
	must(consumer.Start())
	for range receives {
		messages, err := consumer.Receive(context.Background(), 16, invisible)
		must(err)
		for _, message := range messages {
			fmt.Println("received", message.GetMessageId(), string(message.GetBody()))
			must(consumer.Ack(context.Background(), message))
			fmt.Println("acked", message.GetMessageId())
		}
		if len(messages) > 0 {
			break
		}
	}
	must(consumer.GracefulStop())
}

func getPushed(everything map[string]*rocketmq.FilterExpression) {
	pushed := make(chan struct{}, 1)
	listener := &rocketmq.FuncMessageListener{Consume: func(message *rocketmq.MessageView) rocketmq.ConsumerResult {
		fmt.Println("pushed", message.GetMessageId(), string(message.GetBody()))
		pushed <- struct{}{}
		return rocketmq.SUCCESS
	}}
	consumer, err := rocketmq.NewPushConsumer(config(topic+"-push"), rocketmq.WithPushAwaitDuration(await),
		rocketmq.WithPushSubscriptionExpressions(everything), rocketmq.WithPushMessageListener(listener),
		rocketmq.WithPushConsumptionThreadCount(1), rocketmq.WithPushMaxCacheMessageCount(16))
	must(err)
	must(consumer.Start())
	select {
	case <-pushed:
	case <-time.After(receives * await):
		log.Fatal("nothing was pushed")
	}
	must(consumer.GracefulStop())
}

func main() {
	everything := map[string]*rocketmq.FilterExpression{topic: rocketmq.SUB_ALL}
	send()
	receive(everything)
	getPushed(everything)
}
