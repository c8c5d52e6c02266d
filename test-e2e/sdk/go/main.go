// Runs named scenarios with the official Go client. Arguments: endpoints joined by ',', prefix of topics and groups,
// scenarios (`name@endpoints` where one needs its own). They run side by side and print a JSON line each, {scenario, ok,
// detail} or {scenario, none}; the clients go on until the input ends.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const scenarioMax = 60 * time.Second

var endpoints, prefix, wanted = strings.Split(os.Args[1], ","), os.Args[2], os.Args[3:]

// What a scenario says about itself; a failure is a panic.
type outcome struct {
	detail string
	// Why the client has no such feature.
	none string
}

type report struct {
	Scenario string `json:"scenario"`
	Ok       bool   `json:"ok"`
	Detail   string `json:"detail,omitempty"`
	None     string `json:"none,omitempty"`
}

var output sync.Mutex

func say(one any) {
	output.Lock()
	defer output.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(one); err != nil {
		panic(err)
	}
}

func run(name string) {
	scenario, ownEndpoints, _ := strings.Cut(name, "@")
	work, isKnown := scenarios[scenario]
	if !isKnown {
		say(report{Scenario: scenario, None: "unknown to this program"})
		return
	}
	results := make(chan outcome, 1)
	failures := make(chan string, 1)
	go func() {
		defer func() {
			if failure := recover(); failure != nil {
				failures <- fmt.Sprint(failure)
			}
		}()
		results <- work(prefix+"-"+scenario, ownEndpoints)
	}()
	select {
	case result := <-results:
		say(report{Scenario: scenario, Ok: result.none == "", Detail: result.detail, None: result.none})
	case failure := <-failures:
		say(report{Scenario: scenario, Detail: failure})
	case <-time.After(scenarioMax):
		say(report{Scenario: scenario, Detail: fmt.Sprintf("not done after %v", scenarioMax)})
	}
}

func main() {
	var running sync.WaitGroup
	for _, name := range wanted {
		running.Go(func() { run(name) })
	}
	running.Wait()
	_, _ = io.Copy(io.Discard, os.Stdin)
	hasEnded.Store(true)
	if failures := closeAll(); failures > 0 {
		os.Exit(1)
	}
}
