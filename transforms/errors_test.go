package transforms_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// An order is a customer and what they ordered.
type order = model.KV[string, int]

type orders = model.PCollection[order]

// annsOrder is one order of ann's, half a minute into the first minute of 2026,
// in windows of a minute.
func annsOrder(p *model.Pipeline) orders {
	timed := transforms.WithTimestamps(transforms.Create(p, model.KVOf("ann", 7)), halfPast)
	return transforms.Window(timed, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}})
}

func halfPast(order) time.Time { return time.Date(2026, time.January, 1, 0, 0, 30, 0, time.UTC) }

var errBroken = errors.New("the wheel is broken")

func broken() { panic(errBroken) }

// TestErrors runs pipelines in which a user's function goes wrong, and prints
// what the error says, less a panic's stack, with LINE for the user's file and line.
//
//	error VERB       the function returns an error
//	panic VERB       the function panics
//	downstream VERB  what follows the verb panics
//	afterwards VERB  the function panics after it has emitted something, which
//	                 another transform has processed
func TestErrors(t *testing.T) {
	datadriven.RunTest(t, "testdata/errors", func(t *testing.T, d *datadriven.TestData) string {
		scenarios := map[string]map[string]func(orders){
			"error": returningErrors, "panic": panicking, "downstream": followedByAPanic, "afterwards": panickingAfterwards,
		}
		build := scenarios[d.Cmd][d.CmdArgs[0].Key]
		if build == nil {
			d.Fatalf(t, "no such scenario: %s", d.Input)
		}
		var p model.Pipeline
		build(annsOrder(&p))
		return failure(t, &p)
	})
}

var userLine = regexp.MustCompile(`\b\w+_test\.go:\d+`)

// failure runs p and returns what its error says.
func failure(t *testing.T, p *model.Pipeline) string {
	t.Helper()
	_, err := direct.Runner{Parallelism: 1}.Run(context.Background(), p)
	if err == nil {
		return "ok"
	}
	told := err.Error()
	var e *engine.UserError
	switch errors.As(err, &e); {
	case e == nil:
	case e.Panic:
		if !strings.Contains(e.Stack, "transforms_test.broken") {
			t.Errorf("the stack does not lead to where it panicked:\n%s", e.Stack)
		}
		told = strings.TrimSuffix(told, "\n"+e.Stack)
	case e.Stack != "":
		t.Error("an error has a stack")
	}
	if !errors.Is(err, errBroken) {
		t.Errorf("the cause is lost: %v", err)
	}
	return userLine.ReplaceAllString(told, "LINE")
}
