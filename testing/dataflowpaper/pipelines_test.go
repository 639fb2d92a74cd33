package dataflowpaper

import (
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// The pipelines of the figures, which docs/dataflow-paper.md shows.

type scores = model.PCollection[model.KV[string, int]]

func figure5(in scores) (sums scores, dropped model.PCollection[model.LateElement[model.KV[string, int]]]) {
	var late model.LateData[model.KV[string, int]]
	sums = transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
		Windows: windowing.Fixed{Size: 2 * time.Minute},
	}), transforms.Sum, late.To())
	return sums, late.Collection()
}

func figure6(in scores) scores {
	return transforms.CombinePerKey(in, transforms.Sum)
}

func figure7(in scores) scores {
	return transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
		Windows: windowing.Global{},
		Trigger: triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Align: time.Minute}},
		Panes:   model.Accumulating,
	}), transforms.Sum)
}

func figure8(in scores) scores {
	return transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
		Windows: windowing.Global{},
		Trigger: triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Align: time.Minute}},
		Panes:   model.Discarding,
	}), transforms.Sum)
}

func figure9(in scores) scores {
	return transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
		Windows: windowing.Global{},
		Trigger: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 2}},
		Panes:   model.Discarding,
	}), transforms.Sum)
}

func figure10(in scores) scores {
	return transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
		Windows: windowing.Fixed{Size: 2 * time.Minute},
	}), transforms.Sum)
}

func figure11(in scores) scores {
	return transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
		Windows:  windowing.Fixed{Size: 2 * time.Minute},
		Trigger:  triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Align: time.Minute}},
		Lateness: time.Hour,
		Panes:    model.Accumulating,
	}), transforms.Sum)
}

func figure12(in scores) scores {
	return transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
		Windows:  windowing.Fixed{Size: 2 * time.Minute},
		Lateness: time.Hour,
		Panes:    model.Accumulating,
	}), transforms.Sum)
}

func figure13(in scores) scores {
	return transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
		Windows: windowing.Fixed{Size: 2 * time.Minute},
		Trigger: triggers.AfterWatermark{
			Early: triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Align: time.Minute}},
			Late:  triggers.Always{},
		},
		Lateness: time.Hour,
		Panes:    model.Accumulating,
	}), transforms.Sum)
}

func figure14(in scores) scores {
	return transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
		Windows: windowing.Sessions{Gap: time.Minute},
		Trigger: triggers.AfterWatermark{
			Early: triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Align: time.Minute}},
			Late:  triggers.Always{},
		},
		Lateness: time.Hour,
		Panes:    model.Retracting,
	}), transforms.Sum)
}
