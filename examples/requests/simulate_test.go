package main

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/simulate"
	"github.com/millrace/millrace/transforms"
)

func TestMinutesSurviveCrashes(t *testing.T) {
	var requests []simulate.Timed[string]
	for i := range 60 {
		at := model.Timestamp(i) * 7_000_000 // seven seconds, in microseconds
		requests = append(requests, simulate.At(at, fmt.Sprintf("%v %d /", at, 200+i%3)))
	}
	simulate.Run(t, func(p *model.Pipeline) {
		lines := transforms.Read(p, simulate.Stream[string]{Events: requests})
		simulate.Output(PerMinute(lines))
	}, simulate.Seeds(50))
}
