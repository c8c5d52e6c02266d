// The scenarios, by name.
package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	rocketmq "github.com/apache/rocketmq-clients/golang/v5"
)

const (
	bodyBytesMax   = 4 * 1024 * 1024
	roomForHeaders = 64 * 1024
)

var scenarios = map[string]func(topic, ownEndpoints string) outcome{
	"send-sync":        roundTrip,
	"send-async":       sendAsync,
	"send-batch":       missing("a request has one message"),
	"receive-sync":     roundTrip,
	"receive-async":    missing("SimpleConsumer has no ReceiveAsync and no AckAsync"),
	"change-invisible": changeInvisible,
	"push":             push,
	"push-retry":       pushRetry,
	"push-groups":      pushGroups,
	"push-shared":      pushShared,
	"group-reset":      groupReset,
	"settings-pushed":  settingsPushed,
	"group-disabled":   groupDisabled,
	"tag-one":          filtered("A", "A", "A"),
	"tag-either":       filtered("A || B", "A", "A", "B"),
	"tag-any":          filtered("*", "-", "A", "A", "B", "C"),
	"sql-filter":       filteredBy(rocketmq.NewFilterExpressionWithType(sql, rocketmq.SQL92), "-", "A"),
	"dead-letter":      deadLetter,
	"fifo-simple":      fifoSimple,
	"fifo-push":        pushInOrder(""),
	"fifo-retry":       pushInOrder(failingText),
	"transaction":      transaction,
	"delay":            delay,
	"recall":           recall,
	"dedup":            dedup,
	"attributes":       attributes,
	"bodies":           bodies,
	"body-large":       bodyOf(bodyBytesMax - roomForHeaders),
	"body-largest":     bodyOf(bodyBytesMax),
	"topic-created":    roundTrip,
	"topic-refused":    topicRefused,
	"plaintext":        plaintext,
	"tls":              roundTrip, // EnableSsl is true by default
	"session":          startSession("session", sessionPause),
	"idle-session":     startSession("idle-session", idlePause),
}

func missing(reason string) func(string, string) outcome {
	return func(string, string) outcome { return outcome{none: reason} }
}

func roundTrip(topic, _ string) outcome {
	ids := sendAll(startProducer(topic), topic, few)
	expectSame(idsOf(receiveAll(startSimple(topic, "*"), few)), ids, "received")
	return outcome{}
}

func plaintext(topic, _ string) outcome {
	ids := sendAll(startPlaintext(newProducer(topic)), topic, few)
	expectSame(idsOf(receiveAll(startPlaintext(newSimple(topic, topic, rocketmq.SUB_ALL)), few)), ids, "received")
	return outcome{}
}

func sendAsync(topic, _ string) outcome {
	type sent struct {
		id  string
		err error
	}
	producer := startProducer(topic)
	results := make(chan sent, few)
	for number := range few {
		message := &rocketmq.Message{Topic: topic, Body: fmt.Appendf(nil, "message %d", number)}
		producer.SendAsync(context.Background(), message, func(_ context.Context, receipts []*rocketmq.SendReceipt, err error) {
			if err != nil {
				results <- sent{err: err}
				return
			}
			results <- sent{id: receipts[0].MessageID}
		})
	}
	ids := []string{}
	for range few {
		result := <-results
		must(result.err)
		ids = append(ids, result.id)
	}
	expectSame(idsOf(receiveAll(startSimple(topic, "*"), few)), sorted(ids), "received")
	return outcome{}
}

func changeInvisible(topic, _ string) outcome {
	id := sendAll(startProducer(topic), topic, 1)[0]
	consumer := startSimple(topic, "*")
	seen := []string{}
	for end := time.Now().Add(invisible); len(seen) < 2 && time.Now().Before(end); {
		for _, message := range receive(consumer, 1) {
			seen = append(seen, deliveryOf(message))
			if len(seen) == 1 {
				must(consumer.ChangeInvisibleDuration(message, shortInvisible))
			} else {
				must(consumer.ChangeInvisibleDuration(message, invisible))
				must(consumer.Ack(context.Background(), message))
			}
		}
	}
	expectSame(seen, []string{id + " 1", id + " 2"}, "deliveries")
	return outcome{}
}

func push(topic, _ string) outcome {
	ids := sendAll(startProducer(topic), topic, few)
	got := newCollector(few)
	startPush(topic, topic, got.succeed)
	messages := got.wait()
	expectSame(idsOf(messages), ids, "pushed")
	for _, message := range messages {
		expect(message.GetDeliveryAttempt() == 1, "attempt %d", message.GetDeliveryAttempt())
	}
	return outcome{}
}

// All deliveries fail but those from `succeedsAt` on, and the listener sees each attempt; returns the message id.
func failing(topic string, attempts int, succeedsAt int32) string {
	id := sendAll(startProducer(topic), topic, 1)[0]
	got := newCollector(attempts)
	startPush(topic, topic, func(message *rocketmq.MessageView) rocketmq.ConsumerResult {
		got.add(message)
		if message.GetDeliveryAttempt() < succeedsAt {
			return rocketmq.FAILURE
		}
		return rocketmq.SUCCESS
	})
	wantedDeliveries := []string{}
	for attempt := 1; attempt <= attempts; attempt++ {
		wantedDeliveries = append(wantedDeliveries, fmt.Sprintf("%s %d", id, attempt))
	}
	expectSame(mapOf(got.wait(), deliveryOf), wantedDeliveries, "deliveries")
	return id
}

func pushRetry(topic, _ string) outcome {
	failing(topic, 3, 3)
	return outcome{}
}

func deadLetter(topic, _ string) outcome {
	return outcome{detail: failing(topic, 2, 100)}
}

func pushGroups(topic, _ string) outcome {
	ids := sendAll(startProducer(topic), topic, few)
	collectors := map[string]*collector{}
	for _, number := range []string{"1", "2", "3"} {
		group := topic + "-" + number
		collectors[group] = newCollector(few)
		startPush(topic, group, collectors[group].succeed)
	}
	for group, got := range collectors {
		expectSame(idsOf(got.wait()), ids, "pushed to "+group)
	}
	return outcome{}
}

// No listener returns before each consumer has got a message, and none may hold all of them meanwhile.
func pushShared(topic, _ string) outcome {
	const consumers = 3
	got := newCollector(many)
	var lock sync.Mutex
	var once sync.Once
	busy := map[int]bool{}
	everybodyHasOne := make(chan struct{})
	for number := range consumers {
		startPush(topic, topic, func(message *rocketmq.MessageView) rocketmq.ConsumerResult {
			lock.Lock()
			if busy[number] = true; len(busy) == consumers {
				once.Do(func() { close(everybodyHasOne) })
			}
			lock.Unlock()
			got.add(message)
			<-everybodyHasOne
			return rocketmq.SUCCESS
		})
	}
	ids := sendAll(startProducer(topic), topic, many)
	expectSame(idsOf(got.wait()), ids, "pushed")
	return outcome{}
}

const sql = "number > 1 AND (TAGS = 'A' OR TAGS IS NULL)"

func filtered(tags string, wantedTags ...string) func(string, string) outcome {
	return filteredBy(rocketmq.NewFilterExpression(tags), wantedTags...)
}

func filteredBy(expression *rocketmq.FilterExpression, wantedTags ...string) func(string, string) outcome {
	return func(topic, _ string) outcome {
		producer := startProducer(topic)
		for index, tag := range []string{"A", "B", "C", "", "A"} {
			message := &rocketmq.Message{Topic: topic, Body: []byte("x")}
			message.AddProperty("number", fmt.Sprint(index+1))
			if tag != "" {
				message.SetTag(tag)
			}
			send(producer, message)
		}
		tags := mapOf(receiveAll(start(newSimple(topic, topic, expression)), len(wantedTags)), func(message *rocketmq.MessageView) string {
			if message.GetTag() == nil {
				return "-"
			}
			return *message.GetTag()
		})
		expectSame(sorted(tags), wantedTags, fmt.Sprintf("tags for %v", *expression))
		return outcome{}
	}
}

func attributes(topic, _ string) outcome {
	message := &rocketmq.Message{Topic: topic, Body: []byte("attributes")}
	message.SetTag("färbe")
	message.SetKeys("order-1", "ключ")
	message.AddProperty("colour", "grün")
	message.AddProperty("空", "✓ 値")
	id := send(startProducer(topic), message)
	got := receiveAll(startSimple(topic, "*"), 1)[0]
	expectSame([]any{got.GetTopic(), *got.GetTag(), got.GetKeys(), got.GetProperties(), string(got.GetBody())},
		[]any{topic, "färbe", message.GetKeys(), message.GetProperties(), "attributes"}, "message")
	expectSame(deliveryOf(got), id+" 1", "message id and attempt")
	age := time.Since(*got.GetBornTimestamp()).Abs()
	expect(*got.GetBornHost() != "" && age < scenarioMax, "born %v ago at %s", age, *got.GetBornHost())
	return outcome{}
}

const (
	orderedEach = 6
	// The first delivery of this message fails where one is to.
	failingText = "a 2"
)

var messageGroups = []string{"a", "b"}

// Sends so many messages of each group in turn.
func sendInOrder(topic string) {
	producer := startProducer(topic)
	for number := range orderedEach {
		for _, group := range messageGroups {
			message := &rocketmq.Message{Topic: topic, Body: fmt.Appendf(nil, "%s %d", group, number)}
			message.SetMessageGroup(group)
			send(producer, message)
		}
	}
}

// The bodies of each group came in their order; one of them twice where it failed.
func expectInOrder(messages []*rocketmq.MessageView, failing string) {
	for _, group := range messageGroups {
		wantedTexts := []string{}
		for number := range orderedEach {
			text := fmt.Sprintf("%s %d", group, number)
			wantedTexts = append(wantedTexts, text)
			if text == failing {
				wantedTexts = append(wantedTexts, text)
			}
		}
		texts := []string{}
		for _, message := range messages {
			if text := string(message.GetBody()); strings.HasPrefix(text, group) {
				texts = append(texts, text)
			}
		}
		expectSame(texts, wantedTexts, "group "+group)
	}
}

func fifoSimple(topic, _ string) outcome {
	sendInOrder(topic)
	expectInOrder(receiveAll(startSimple(topic, "*"), len(messageGroups)*orderedEach), "")
	return outcome{}
}

func pushInOrder(failing string) func(string, string) outcome {
	return func(topic, _ string) outcome {
		sendInOrder(topic)
		count := len(messageGroups) * orderedEach
		if failing != "" {
			count++
		}
		got := newCollector(count)
		startPush(topic, topic, func(message *rocketmq.MessageView) rocketmq.ConsumerResult {
			got.add(message)
			if string(message.GetBody()) == failing && message.GetDeliveryAttempt() == 1 {
				return rocketmq.FAILURE
			}
			return rocketmq.SUCCESS
		})
		expectInOrder(got.wait(), failing)
		return outcome{}
	}
}

const (
	delayOfMessages = 3 * time.Second
	delayOfRecalled = 10 * time.Second // long enough for a busy machine to recall it before
)

// Ended by their sender, or when it is asked.
var transactions = []string{"commit now", "rollback now", "commit when asked", "rollback when asked"}

func transaction(topic, _ string) outcome {
	checker := &rocketmq.TransactionChecker{Check: func(message *rocketmq.MessageView) rocketmq.TransactionResolution {
		if strings.HasPrefix(string(message.GetBody()), "commit") {
			return rocketmq.COMMIT
		}
		return rocketmq.ROLLBACK
	}}
	producer := start(rocketmq.NewProducer(config("", ""), rocketmq.WithTopics(topic), rocketmq.WithTransactionChecker(checker)))
	for _, text := range transactions {
		one := producer.BeginTransaction()
		_, err := producer.SendWithTransaction(context.Background(), &rocketmq.Message{Topic: topic, Body: []byte(text)}, one)
		must(err)
		switch text {
		case "commit now":
			must(one.Commit())
		case "rollback now":
			must(one.RollBack())
		}
	}
	wantedTexts := []string{"commit now", "commit when asked"}
	messages := receiveAll(startSimple(topic, "*"), len(wantedTexts))
	textOf := func(message *rocketmq.MessageView) string { return string(message.GetBody()) }
	expectSame(sorted(mapOf(messages, textOf)), wantedTexts, "received")
	return outcome{}
}

func delayed(topic, text string, due time.Time) *rocketmq.Message {
	message := &rocketmq.Message{Topic: topic, Body: []byte(text)}
	message.SetDelayTimestamp(due)
	return message
}

// Messages with the same key are stored once.
func dedup(topic, _ string) outcome {
	producer := startProducer(topic)
	for _, one := range [][]string{{"first", "one"}, {"second", "one"}, {"third", "other"}} {
		message := &rocketmq.Message{Topic: topic, Body: []byte(one[0])}
		message.SetKeys(one[1])
		send(producer, message)
	}
	textOf := func(message *rocketmq.MessageView) string { return string(message.GetBody()) }
	expectSame(sorted(mapOf(receiveAll(startSimple(topic, "*"), 2), textOf)), []string{"first", "third"}, "received")
	return outcome{}
}

func expectOnly(topic, text string) {
	textOf := func(message *rocketmq.MessageView) string { return string(message.GetBody()) }
	expectSame(mapOf(receiveAll(startSimple(topic, "*"), 1), textOf), []string{text}, "received")
}

func recall(topic, _ string) outcome {
	producer := startProducer(topic)
	due := time.Now().Add(delayOfRecalled)
	receipts, err := producer.Send(context.Background(), delayed(topic, "recalled", due))
	must(err)
	send(producer, delayed(topic, "kept", due))
	_, err = producer.Recall(context.Background(), topic, receipts[0].RecallHandle)
	must(err)
	expectOnly(topic, "kept")
	return outcome{}
}

func delay(topic, _ string) outcome {
	due := time.Now().Add(delayOfMessages)
	send(startProducer(topic), delayed(topic, "delayed", due))
	expectOnly(topic, "delayed")
	if time.Now().UnixMilli() < due.UnixMilli() {
		panic("it came early")
	}
	return outcome{}
}

func expectBodies(topic string, sent ...string) {
	producer := startProducer(topic)
	for _, body := range sent {
		send(producer, &rocketmq.Message{Topic: topic, Body: []byte(body)})
	}
	got := mapOf(receiveAll(startSimple(topic, "*"), len(sent)), func(message *rocketmq.MessageView) string {
		return string(message.GetBody())
	})
	if strings.Join(sorted(got), "|") != strings.Join(sorted(sent), "|") {
		texts := []string{}
		for _, body := range got {
			texts = append(texts, fmt.Sprintf("%d bytes %.20q", len(body), body))
		}
		panic("bodies differ: " + strings.Join(texts, ", "))
	}
}

func bodies(topic, _ string) outcome {
	binary := []byte{}
	for value := range 256 {
		binary = append(binary, byte(value))
	}
	expectBodies(topic, "Grüße, 世界 🚀", string(binary), "\x00", " ")
	return outcome{}
}

func bodyOf(size int) func(string, string) outcome {
	return func(topic, _ string) outcome {
		expectBodies(topic, string(bytes.Repeat([]byte("x"), size)))
		return outcome{}
	}
}

// It declares the topic, since a producer without topics never starts: it waits for settings from nobody.
func topicRefused(topic, ownEndpoints string) outcome {
	producer, err := rocketmq.NewProducer(config("", ownEndpoints), rocketmq.WithTopics(topic))
	must(err)
	err = producer.Start()
	expect(err != nil, "the producer started")
	text := err.Error()
	expect(strings.Contains(text, "TOPIC_NOT_FOUND") && strings.Contains(text, topic), "%s", text)
	return outcome{}
}
