package simulate_test

import (
	"flag"
	"testing"

	"github.com/millrace/millrace/testing/simulate"
)

var (
	seeds  = flag.Int("seeds", 400, "how many schedules are drawn in all, over all pipelines")
	replay = flag.String("replay", "", "the one `schedule` that is played; choose the pipeline by -run")
)

func TestSimulatedPipelinesLoseAndDoubleNothing(t *testing.T) {
	each := (*seeds + len(pipelines) - 1) / len(pipelines)
	for i, p := range pipelines {
		t.Run(p.name, func(t *testing.T) {
			opts := []simulate.Option{simulate.Seeds(each), simulate.From(uint64(i) * 1_000_000)}
			if *replay != "" {
				opts = append(opts, simulate.Replay(*replay))
			}
			if p.later != nil {
				opts = append(opts, simulate.Upgrade(p.later))
			}
			simulate.Run(t, p.build, opts...)
		})
	}
}
