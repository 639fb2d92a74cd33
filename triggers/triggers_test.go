package triggers_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

func TestMistakes(t *testing.T) {
	for _, tt := range []struct {
		trigger model.Trigger
		want    string
	}{
		{triggers.AfterCount{}, "AfterCount.N is 0; it must be at least 1"},
		{triggers.AfterProcessingTime{Delay: -time.Second}, "AfterProcessingTime.Delay is -1s; it must not be negative"},
		{triggers.AfterProcessingTime{Align: -time.Second}, "AfterProcessingTime.Align is -1s; it must be whole microseconds, and not negative"},
		{triggers.AfterProcessingTime{Align: time.Nanosecond}, "AfterProcessingTime.Align is 1ns; it must be whole microseconds, and not negative"},
		{triggers.Repeatedly{}, "Repeatedly's trigger 1 is nil"},
		{triggers.AfterAll{}, "AfterAll has 0 triggers; it needs at least 1"},
		{triggers.AfterAny{}, "AfterAny has 0 triggers; it needs at least 1"},
		{triggers.AfterEach{}, "AfterEach has 0 triggers; it needs at least 1"},
		{triggers.OrFinally{Main: triggers.Default{}}, "OrFinally's trigger 2 is nil"},
		{triggers.AfterWatermark{Early: triggers.AfterCount{}}, "AfterCount.N is 0; it must be at least 1"},
		{
			triggers.AfterAll{triggers.AfterCount{}, nil, triggers.Repeatedly{Trigger: triggers.AfterCount{N: -1}}},
			"AfterCount.N is 0; it must be at least 1\nAfterAll's trigger 2 is nil\nAfterCount.N is -1; it must be at least 1",
		},
	} {
		if err := tt.trigger.Validate(); err == nil || err.Error() != tt.want {
			t.Errorf("%v:\n got %v\nwant %s", tt.trigger, err, tt.want)
		}
	}
	for _, trigger := range known {
		if err := trigger.Validate(); err != nil {
			t.Errorf("%v: %v", trigger, err)
		}
	}
}

func TestTriggersReadAsTheyAreComposed(t *testing.T) {
	for _, tt := range []struct {
		trigger model.Trigger
		want    string
	}{
		{triggers.AfterWatermark{}, "watermark()"},
		{triggers.AfterWatermark{Early: triggers.AfterCount{N: 2}, Late: triggers.Always{}}, "watermark(early count(2), late always)"},
		{triggers.OrFinally{Main: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 2}}, Until: triggers.Never{}}, "or-finally(repeatedly(count(2)), never)"},
		{triggers.AfterAll{triggers.Default{}, nil}, "all(default, nil)"},
	} {
		if got := tt.trigger.String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestWhichTriggersFinishWhileWindowsTakeElements(t *testing.T) {
	count := triggers.AfterCount{N: 1}
	for _, tt := range []struct {
		trigger      model.Trigger
		strict, late bool // without lateness and with
	}{
		{triggers.Default{}, false, false},
		{triggers.Always{}, false, false},
		{triggers.Never{}, false, false},
		{count, true, true},
		{triggers.AfterProcessingTime{}, true, true},
		{triggers.AfterWatermark{}, false, true},
		{triggers.AfterWatermark{Early: count}, false, true},
		{triggers.AfterWatermark{Late: count}, false, false},
		{triggers.Repeatedly{Trigger: count}, false, false},
		{triggers.AfterEach{count, triggers.Default{}}, false, false},
		{triggers.AfterEach{count, count}, true, true},
		{triggers.AfterEach{count, triggers.AfterWatermark{}}, false, true},
		{triggers.OrFinally{Main: triggers.Default{}, Until: count}, true, true},
	} {
		if got := tt.trigger.Finishes(0); got != tt.strict {
			t.Errorf("%v finishes without lateness: %v, want %v", tt.trigger, got, tt.strict)
		}
		if got := tt.trigger.Finishes(time.Minute); got != tt.late {
			t.Errorf("%v finishes with lateness: %v, want %v", tt.trigger, got, tt.late)
		}
	}
}
