package streamtest_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
)

func TestSessionEndsAGapAfterItsLastElement(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Add(8*second, "ann").
		Watermark(18*second - tick).
		Watermark(18 * second).
		End()
	streamtest.WantPanes(t, count(visits, sessions(10*time.Second, 0, 0)),
		streamtest.OnTime(between(0, 18), of("ann", 2)).AtStep(4))
}

func TestSessionsGoByKey(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Add(5*second, "bob").
		Add(8*second, "ann").
		End()
	streamtest.WantPanes(t, count(visits, sessions(10*time.Second, 0, 0)),
		streamtest.OnTime(between(5, 15), of("bob", 1)),
		streamtest.OnTime(between(0, 18), of("ann", 2)))
}

func TestElementsAGapApartAreTwoSessions(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Add(10*second, "ann"). // where the first session ends
		End()
	streamtest.WantPanes(t, count(visits, sessions(10*time.Second, 0, 0)),
		streamtest.OnTime(between(0, 10), of("ann", 1)),
		streamtest.OnTime(between(10, 20), of("ann", 1)))
}

func TestElementThatFillsAGapMakesTwoSessionsOne(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Add(15*second, "ann").
		Add(7*second, "ann").
		End()
	streamtest.WantPanes(t, count(visits, sessions(10*time.Second, 0, 0)),
		streamtest.OnTime(between(0, 25), of("ann", 3)))
}

func TestLateElementInsideASession(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Add(8*second, "ann").
		Watermark(20*second).
		Add(3*second, "ann").
		End()
	streamtest.WantPanes(t, count(visits, sessions(10*time.Second, time.Minute, model.Accumulating)),
		streamtest.OnTime(between(0, 18), of("ann", 2)).Index(0),
		streamtest.Late(between(0, 18), of("ann", 3)).Index(1))
}

func TestLateElementThatExtendsASessionPastTheWatermarkReopensIt(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Watermark(12*second).
		Add(5*second, "ann"). // the session now ends at 15 s
		Watermark(15 * second).
		End()
	streamtest.WantPanes(t, count(visits, sessions(10*time.Second, time.Minute, model.Accumulating)),
		streamtest.OnTime(between(0, 10), of("ann", 1)).Index(0).AtStep(2),
		streamtest.OnTime(between(0, 15), of("ann", 2)).Index(0).First().AtStep(4))
}

func TestLateElementThatExtendsASessionShortOfTheWatermarkIsLate(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Watermark(30*second).
		Add(5*second, "ann").
		End()
	streamtest.WantPanes(t, count(visits, sessions(10*time.Second, time.Minute, model.Accumulating)),
		streamtest.OnTime(between(0, 10), of("ann", 1)),
		streamtest.Late(between(0, 15), of("ann", 2)).Index(0).AtStep(3)) // of a new window
}

func TestLateElementThatMergesTwoSessionsThatFired(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Add(15*second, "ann", "ann").
		Watermark(30*second).
		Add(8*second, "ann").
		End()
	streamtest.WantPanes(t, count(visits, sessions(10*time.Second, time.Minute, model.Accumulating)),
		streamtest.OnTime(between(0, 10), of("ann", 1)),
		streamtest.OnTime(between(15, 25), of("ann", 2)),
		streamtest.Late(between(0, 25), of("ann", 4)).AtStep(4))
}

func TestDiscardingSessionsForgetWhatTheyFired(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Add(15*second, "ann", "ann").
		Watermark(30*second).
		Add(8*second, "ann").
		End()
	streamtest.WantPanes(t, count(visits, sessions(10*time.Second, time.Minute, model.Discarding)),
		streamtest.OnTime(between(0, 10), of("ann", 1)),
		streamtest.OnTime(between(15, 25), of("ann", 2)),
		streamtest.Late(between(0, 25), of("ann", 1)))
}

func TestElementThatIsTooLateAloneIsTakenByASessionThatIsOpen(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Add(9*second, "ann").
		Watermark(15*second).
		Add(1*second, "ann"). // alone it would be a session until 11 s, and lost
		Add(1*second, "bob"). // is alone
		End()
	visitors := streamtest.Capture(count(visits, sessions(10*time.Second, 0, 0)))
	streamtest.Run(t, &p)
	visitors.WantPanes(t, streamtest.OnTime(between(0, 19), of("ann", 3)))
	visitors.WantDropped(t, 1)
}

func TestSessionIsDroppedOnceTheWatermarkHasPassedItsLateness(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Watermark(15*second-tick).
		Add(0, "ann"). // the last that is taken
		Watermark(15*second).
		Add(0, "ann").
		Add(5*second, "ann"). // a session until 15 s, which may be late until 20 s
		End()
	visitors := streamtest.Capture(count(visits, sessions(10*time.Second, 5*time.Second, model.Accumulating)))
	streamtest.Run(t, &p)
	visitors.WantPanes(t,
		streamtest.OnTime(between(0, 10), of("ann", 1)),
		streamtest.Late(between(0, 10), of("ann", 2)),
		streamtest.Late(between(5, 15), of("ann", 1)))
	visitors.WantDropped(t, 1)
}
