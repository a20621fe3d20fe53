package longwire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"

	longwirev1 "longwire/v1"
)

// No message of protobuf is larger, so nothing that is larger is decompressed.
const maxDecompressedBytes = 2 << 30

// ResultOf is the result of a job that has ended, or the error with which it did.
func (c *Client) ResultOf(ctx context.Context, finished *longwirev1.JobFinished) (*longwirev1.Result, error) {
	if err := FinalError(finished.GetJob()); err != nil {
		return nil, err
	}
	// A large result does not come with the event.
	if finished.GetResult() == nil {
		return c.Result(ctx, finished.GetJob().GetJobId())
	}
	return DecodeResult(finished.GetResult())
}

// Result fetches the result of a job in state DONE.
func (c *Client) Result(ctx context.Context, jobID string) (*longwirev1.Result, error) {
	encoded, err := retried(ctx, c, func(r *retrier) (*longwirev1.EncodedResult, error) {
		return c.fetch(ctx, r, jobID)
	})
	if err != nil {
		return nil, err
	}
	return DecodeResult(encoded)
}

// fetch joins the chunks of one call of GetResult. A new try starts with the
// first chunk again.
func (c *Client) fetch(ctx context.Context, r *retrier, jobID string) (*longwirev1.EncodedResult, error) {
	stream, err := c.jobs.GetResult(ctx, &longwirev1.GetResultRequest{JobId: jobID})
	if err != nil {
		return nil, err
	}
	encoded := &longwirev1.EncodedResult{}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return encoded, nil
		}
		if err != nil {
			return nil, err
		}
		r.heard()
		if header := response.GetHeader(); header != nil {
			encoded = header
		}
		encoded.Data = append(encoded.Data, response.GetChunk()...)
	}
}

// DecodeResult checks the digest of a result, decompresses it and parses it.
func DecodeResult(encoded *longwirev1.EncodedResult) (*longwirev1.Result, error) {
	digest := sha256.Sum256(encoded.GetData())
	if !bytes.Equal(digest[:], encoded.GetSha256()) {
		return nil, errors.New("the result is damaged: its SHA-256 is not the one that was sent with it")
	}
	data, err := decompress(encoded.GetData(), encoded.GetCompression())
	if err != nil {
		return nil, fmt.Errorf("the result: %w", err)
	}
	result := &longwirev1.Result{}
	if err := proto.Unmarshal(data, result); err != nil {
		return nil, fmt.Errorf("the result cannot be parsed: %w", err)
	}
	return result, nil
}

func decompress(data []byte, compression longwirev1.Compression) ([]byte, error) {
	switch compression {
	case longwirev1.Compression_COMPRESSION_UNSPECIFIED:
		return data, nil
	case longwirev1.Compression_COMPRESSION_ZSTD:
		decoder, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxDecompressedBytes))
		if err != nil {
			return nil, err
		}
		defer decoder.Close()
		return decoder.DecodeAll(data, nil)
	default:
		return nil, fmt.Errorf("its compression is not known here: %s", compression)
	}
}
