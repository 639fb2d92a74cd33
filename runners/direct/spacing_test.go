package direct

import (
	"fmt"
	"testing"
	"unsafe"
)

// What tasks write with every element is in objects of any size, with and without
// pointers.
func TestTasksShareNoCacheLine(t *testing.T) {
	check := func(kind string, allocate func() unsafe.Pointer) {
		t.Run(kind, func(t *testing.T) {
			one := allocate()
			s := newSpacing()
			other := allocate()
			between := max(uintptr(one), uintptr(other)) - min(uintptr(one), uintptr(other))
			if between < lineSize {
				t.Errorf("objects of two tasks are %d bytes apart, want at least %d", between, lineSize)
			}
			_ = s[0]
		})
	}
	for _, size := range sizeClasses[1:] { // smaller ones share a place of 16 bytes
		check(fmt.Sprintf("%d bytes", size), func() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(make([]byte, size))) })
	}
	check("a counter", func() unsafe.Pointer { return unsafe.Pointer(new(int64)) })
	check("a pointer", func() unsafe.Pointer { return unsafe.Pointer(new(*int)) })
	check("a variable of a closure", func() unsafe.Pointer { return unsafe.Pointer(new(struct{ a, b *int })) })
}
