// A session as an application has it: a producer that sends for ever, a simple and a push consumer, each told of as a JSON
// line {session, by, event, ms, seq or detail}, whatever happens to the servers meanwhile.
package main

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	rocketmq "github.com/apache/rocketmq-clients/golang/v5"
	v2 "github.com/apache/rocketmq-clients/golang/v5/protocol/v2"
)

const (
	sessionPause     = 150 * time.Millisecond
	idlePause        = 150 * time.Second // longer than anything that ends what is idle
	sessionInvisible = 10 * time.Second
	emptyMax         = 4 // receives without a message before a pause: two for each queue, and so for each broker
)

var hasEnded atomic.Bool

type sessionEvent struct {
	Session string `json:"session"`
	By      string `json:"by"`
	Event   string `json:"event"`
	Ms      int64  `json:"ms"`
	Seq     int    `json:"seq,omitempty"`
	Detail  string `json:"detail,omitempty"`
}

type session struct {
	name  string
	topic string
	pause time.Duration
}

func (it session) tell(by string, event sessionEvent) {
	if hasEnded.Load() {
		return
	}
	event.Session, event.By, event.Ms = it.name, by, time.Now().UnixMilli()
	say(event)
}

func (it session) received(by string, message *rocketmq.MessageView) {
	seq, err := strconv.Atoi(string(message.GetBody()))
	must(err)
	it.tell(by, sessionEvent{Event: "received", Seq: seq})
}

// Each time after the pause, if it did not take longer; what fails is told.
func (it session) forever(by string, work func() error) {
	for !hasEnded.Load() {
		end := time.Now().Add(it.pause)
		if err := work(); err != nil {
			it.tell(by, sessionEvent{Event: "failed", Detail: err.Error()})
		}
		time.Sleep(time.Until(end))
	}
}

func (it session) produce(producer rocketmq.Producer) {
	seq := 0
	it.forever("producer", func() error {
		seq++
		_, err := producer.Send(context.Background(), &rocketmq.Message{Topic: it.topic, Body: fmt.Append(nil, seq)})
		if err == nil {
			it.tell("producer", sessionEvent{Event: "sent", Seq: seq})
		}
		return err
	})
}

func (it session) receive(consumer rocketmq.SimpleConsumer) {
	it.forever("simple", func() error {
		for empty := 0; empty < emptyMax; empty++ {
			messages, err := consumer.Receive(context.Background(), 32, sessionInvisible)
			if status, isStatus := rocketmq.AsErrRpcStatus(err); isStatus && status.GetCode() == int32(v2.Code_MESSAGE_NOT_FOUND) {
				continue
			}
			if err != nil {
				return err
			}
			empty = -1
			for _, message := range messages {
				it.received("simple", message)
				if err := consumer.Ack(context.Background(), message); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// It goes on until the input ends.
func startSession(name string, pause time.Duration) func(string, string) outcome {
	return func(topic, ownEndpoints string) outcome {
		it := session{name, topic, pause}
		everything := map[string]*rocketmq.FilterExpression{topic: rocketmq.SUB_ALL}
		producer := start(rocketmq.NewProducer(config("", ownEndpoints), rocketmq.WithTopics(topic)))
		simple := start(rocketmq.NewSimpleConsumer(config(topic+"-simple", ownEndpoints),
			rocketmq.WithSimpleAwaitDuration(await), rocketmq.WithSimpleSubscriptionExpressions(everything)))
		start(rocketmq.NewPushConsumer(config(topic+"-push", ownEndpoints), rocketmq.WithPushAwaitDuration(await),
			rocketmq.WithPushSubscriptionExpressions(everything),
			rocketmq.WithPushMessageListener(&rocketmq.FuncMessageListener{
				Consume: func(message *rocketmq.MessageView) rocketmq.ConsumerResult {
					it.received("push", message)
					return rocketmq.SUCCESS
				},
			}),
			rocketmq.WithPushConsumptionThreadCount(threads)))
		go it.produce(producer)
		go it.receive(simple)
		return outcome{}
	}
}
