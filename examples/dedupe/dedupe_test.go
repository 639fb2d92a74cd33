package dedupe_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/examples/dedupe"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

const second model.Timestamp = 1_000_000

var (
	order  = dedupe.Order{ID: "a", Amount: 7}
	again  = dedupe.Order{ID: "a", Amount: 8}
	later  = dedupe.Order{ID: "a", Amount: 9}
	others = dedupe.Order{ID: "b", Amount: 1}
)

func TestRepeatsAreDroppedUntilForgotten(t *testing.T) {
	var p model.Pipeline
	orders := streamtest.NewStream[dedupe.Order](&p).
		Add(10*second, order, others).
		Add(20*second, again).
		Watermark(69*second).
		Add(69*second, again).
		Watermark(70*second). // a minute after the first
		Add(71*second, later).
		End()
	streamtest.WantPanes(t, dedupe.Orders(orders, time.Minute),
		streamtest.Unfired(model.GlobalWindow, order, others).AtStep(1),
		streamtest.Unfired(model.GlobalWindow, later).AtStep(6))
}

// An order that is late by more than ttl is remembered from when it came.
func TestRepeatsOfALateOrderAreDropped(t *testing.T) {
	var p model.Pipeline
	orders := streamtest.NewStream[dedupe.Order](&p).
		Watermark(200*second).
		Add(10*second, order).
		Add(10*second, again).
		Add(100*second, again).
		Watermark(259*second).
		Add(20*second, again).
		Add(259*second, again).
		Watermark(260*second). // a minute after the watermark that it came behind
		Add(261*second, later).
		End()
	streamtest.Want(t, dedupe.Orders(orders, time.Minute), order, later)
}

// In windows that take late orders, too.
func TestRepeatsOfALateOrderAreDroppedInItsWindow(t *testing.T) {
	var p model.Pipeline
	orders := streamtest.NewStream[dedupe.Order](&p).
		Watermark(90*second).
		Add(10*second, order).
		Add(10*second, again).
		End()
	minutes := transforms.Window(orders, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}, Lateness: time.Hour, Panes: model.Discarding})
	streamtest.Want(t, dedupe.Orders(minutes, 20*time.Second), order)
}

func TestEachWindowHasItsOwnFirst(t *testing.T) {
	var p model.Pipeline
	orders := streamtest.NewStream[dedupe.Order](&p).
		Add(10*second, order).
		Add(59*second, again).
		Add(60*second, later).
		End()
	minutes := transforms.Window(orders, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}})
	streamtest.Want(t, dedupe.Orders(minutes, time.Hour), order, later)
}
