package longwire

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"

	longwirev1 "longwire/v1"
)

// OutcomeCount is an outcome, the highest classical bit first, and how often it
// was seen.
type OutcomeCount struct {
	Bits  string
	Count uint64
}

// SortedCounts reads counts in any of their three forms, sorted by outcome.
func SortedCounts(counts *longwirev1.Counts) ([]OutcomeCount, error) {
	texts, err := outcomeTexts(counts)
	if err != nil {
		return nil, err
	}
	if len(texts) != len(counts.GetCounts()) {
		return nil, fmt.Errorf("%d outcomes and %d counts", len(texts), len(counts.GetCounts()))
	}
	sorted := make([]OutcomeCount, len(texts))
	for i, text := range texts {
		sorted[i] = OutcomeCount{text, counts.GetCounts()[i]}
	}
	slices.SortFunc(sorted, func(a, b OutcomeCount) int { return cmp.Compare(a.Bits, b.Bits) })
	return sorted, nil
}

func outcomeTexts(counts *longwirev1.Counts) ([]string, error) {
	numBits := counts.GetNumBits()
	switch {
	case len(counts.GetBitstrings()) > 0:
		return counts.GetBitstrings(), nil
	case len(counts.GetWideOutcomes()) > 0:
		wide, err := rows(counts.GetWideOutcomes(), numBits, uint64(len(counts.GetCounts())))
		if err != nil {
			return nil, err
		}
		return slices.Collect(wide), nil
	case numBits > 64:
		return nil, fmt.Errorf("outcomes of %d bits as integers of 64", numBits)
	}
	texts := make([]string, len(counts.GetOutcomes()))
	for i, outcome := range counts.GetOutcomes() {
		texts[i] = rowText(binary.BigEndian.AppendUint64(nil, outcome), numBits)
	}
	return texts, nil
}

// Shots reads the outcome of every shot, in order.
func Shots(memory *longwirev1.PackedBits) (iter.Seq[string], error) {
	data, err := decompress(memory.GetData(), memory.GetCompression())
	if err != nil {
		return nil, err
	}
	return rows(data, memory.GetNumBits(), memory.GetNumShots())
}

// rows are the rows of bits in data, each as text.
func rows(data []byte, numBits uint32, count uint64) (iter.Seq[string], error) {
	width := (uint64(numBits) + 7) / 8
	size := uint64(len(data))
	// Compared without a product, which could be too large.
	if width == 0 && size > 0 || width > 0 && (size%width != 0 || size/width != count) {
		return nil, fmt.Errorf("%d bytes are not %d rows of %d bits", size, count, numBits)
	}
	return func(yield func(string) bool) {
		for i := range count {
			if !yield(rowText(data[i*width:(i+1)*width], numBits)) {
				return
			}
		}
	}, nil
}

// rowText writes the lowest bits of a big-endian row, the highest of them first.
func rowText(row []byte, numBits uint32) string {
	text := make([]byte, numBits)
	for i := range text {
		bit := len(text) - 1 - i
		text[i] = '0' + row[len(row)-1-bit/8]>>(bit%8)&1
	}
	return string(text)
}

// Amplitudes reads the complex numbers of a value, in row-major order. It answers
// nil for a value that is not an array of complex numbers.
func Amplitudes(value *longwirev1.Value) ([]complex128, error) {
	array := value.GetArrayValue()
	if object := value.GetQuantumObjectValue(); object != nil {
		array = object.GetData()
	}
	var size int
	switch array.GetElementType() {
	case longwirev1.ElementType_ELEMENT_TYPE_COMPLEX128:
		size = 16
	case longwirev1.ElementType_ELEMENT_TYPE_COMPLEX64:
		size = 8
	default:
		return nil, nil
	}
	data, err := decompress(array.GetData(), array.GetCompression())
	if err != nil {
		return nil, err
	}
	if len(data)%size != 0 {
		return nil, fmt.Errorf("%d bytes are no whole number of elements", len(data))
	}
	amplitudes := make([]complex128, 0, len(data)/size)
	for element := range slices.Chunk(data, size) {
		amplitudes = append(amplitudes, complex(float(element[:size/2]), float(element[size/2:])))
	}
	return amplitudes, nil
}

// float reads a little-endian number of single or double precision.
func float(data []byte) float64 {
	if len(data) == 4 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(data))
}
