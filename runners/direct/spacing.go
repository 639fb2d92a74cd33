package direct

import "reflect"

// Tasks are built one after another, and Go puts objects of a size side by side. What
// two tasks write with every element (counters, cursors, the variables that closures
// capture, users' ones too) would so share cache lines, and two workers be slower than
// one. A spacing is made between two tasks and kept as long as they are, so that what
// the one allocates as it is built lies more than a line away from what the other does.
type spacing []any

// lineSize is how far: a cache line, and the one that processors fetch with it.
const lineSize = 128

// sizeClasses are the allocator's, up to where an object has lines of its own.
var sizeClasses = []int{
	8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256,
	288, 320, 352, 384, 416, 448, 480, 512,
}

// newSpacing takes the next lineSize bytes of every small size, with and without
// pointers, since these lie apart. It is some 20 KB.
func newSpacing() (s spacing) {
	for _, size := range sizeClasses {
		pointers := reflect.ArrayOf(size/8, reflect.TypeFor[*byte]())
		for n := 0; n < lineSize; n += size {
			s = append(s, make([]byte, size), reflect.New(pointers).Interface())
		}
	}
	return s
}
