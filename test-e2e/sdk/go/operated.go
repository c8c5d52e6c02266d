// The scenarios in which an operator changes a group.
package main

import (
	"context"
	"reflect"
	"strings"
	"time"

	rocketmq "github.com/apache/rocketmq-clients/golang/v5"
	v2 "github.com/apache/rocketmq-clients/golang/v5/protocol/v2"
)

const (
	toldMax = 30 * time.Second // the operator's command included
	poll    = 20 * time.Millisecond
)

type question struct {
	Asks string `json:"asks"`
}

func groupReset(topic, _ string) outcome {
	ids := sendAll(startProducer(topic), topic, few)
	consumer, other := startSimple(topic, "*"), startSimpleOf(topic+"-other", topic)
	expectSame(idsOf(receiveSome(consumer, few)), ids, "received")
	expectSame(idsOf(receiveSome(other, few)), ids, "received by the other group")
	say(question{"group-reset"})
	again := receiveSome(consumer, few)
	expectSame(idsOf(again), ids, "received again")
	for _, message := range again {
		expect(message.GetDeliveryAttempt() == 1, "attempt %d", message.GetDeliveryAttempt())
	}
	expectSame(idsOf(receiveAll(other, 0)), []string{}, "received again by the other group")
	return outcome{}
}

// Whether the client takes its group for one in order; it shows that to nobody.
func isInOrder(consumer rocketmq.PushConsumer) bool {
	settings := reflect.ValueOf(consumer).Elem().FieldByName("pcSettings").Elem()
	return settings.FieldByName("isFifo").Bool()
}

func settingsPushed(topic, _ string) outcome {
	sendAll(startProducer(topic), topic, 1)
	got := newCollector(1)
	consumer := startPush(topic, topic, got.succeed)
	got.wait()
	expect(!isInOrder(consumer), "the group is in order already")
	say(question{"settings-pushed"})
	for end := time.Now().Add(toldMax); !isInOrder(consumer) && time.Now().Before(end); {
		time.Sleep(poll)
	}
	expect(isInOrder(consumer), "not told within %v", toldMax)
	return outcome{}
}

func groupDisabled(topic, _ string) outcome {
	sendAll(startProducer(topic), topic, 1)
	_, err := startSimple(topic, "*").Receive(context.Background(), 1, invisible)
	status, isStatus := rocketmq.AsErrRpcStatus(err)
	expect(isStatus, "%v", err)
	isRefused := status.GetCode() == int32(v2.Code_FORBIDDEN) && strings.Contains(status.GetMessage(), "switched off")
	expect(isRefused, "%d %s", status.GetCode(), status.GetMessage())
	return outcome{}
}
