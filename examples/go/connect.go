package longwire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"

	longwirev1 "longwire/v1"
)

// DefaultAddress is where a server listens unless it is told otherwise.
const DefaultAddress = "localhost:50051"

// The largest message that is received. gRPC's own limit of 4 MiB is too small
// for a server whose results inside events may be larger.
const maxReceiveBytes = 64 << 20

// Config says which server to talk to, and how.
type Config struct {
	// Address is HOST:PORT.
	Address string
	// CAFile is a PEM file of the authority that signed the server's certificate.
	// Empty: plain text to this machine, and the system's authorities for others.
	CAFile string
	// Token is an API token. Empty for a server that asks for none.
	Token string
	// OnRetry, where it is set, is told of every new try of a call that broke:
	// after which change of the job's state (0 for none), and why.
	OnRetry func(sequence uint64, cause error)
}

// ConfigFromEnvironment reads LONGWIRE_ADDRESS, LONGWIRE_CA and LONGWIRE_TOKEN.
func ConfigFromEnvironment() Config {
	config := Config{
		Address: os.Getenv("LONGWIRE_ADDRESS"),
		CAFile:  os.Getenv("LONGWIRE_CA"),
		Token:   strings.TrimSpace(os.Getenv("LONGWIRE_TOKEN")),
	}
	if config.Address == "" {
		config.Address = DefaultAddress
	}
	return config
}

// Client makes calls to one server, over one connection. It may be used by
// several goroutines at once.
type Client struct {
	connection *grpc.ClientConn
	backends   longwirev1.BackendServiceClient
	jobs       longwirev1.JobServiceClient
	onRetry    func(sequence uint64, cause error)
	link       *link
}

// Open makes a client. The connection is made by the first call.
func Open(config Config) (*Client, error) {
	host, _, err := net.SplitHostPort(config.Address)
	if err != nil {
		return nil, fmt.Errorf("the address %q is not HOST:PORT: %w", config.Address, err)
	}
	transport := insecure.NewCredentials()
	usesTLS := config.CAFile != "" || !isLoopback(host)
	if usesTLS {
		if transport, err = tlsCredentials(config.CAFile); err != nil {
			return nil, err
		}
	}
	client := &Client{onRetry: config.OnRetry, link: &link{}}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithStatsHandler(client.link),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReceiveBytes)),
		// A connection can die in silence. The server takes a ping every 10 s.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:    15 * time.Second,
			Timeout: 10 * time.Second,
		}),
		// gRPC waits up to two minutes between its attempts to connect. Here the
		// pauses are those of the retrier, so that gRPC's must not be longer.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay:  100 * time.Millisecond,
				Multiplier: 2,
				Jitter:     0.5,
				MaxDelay:   time.Second,
			},
			MinConnectTimeout: firstPatience,
		}),
		// Nor does a name server say how calls are to be retried.
		grpc.WithDisableServiceConfig(),
	}
	if config.Token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer{config.Token, usesTLS}))
	}
	client.connection, err = grpc.NewClient("dns:///"+config.Address, options...)
	if err != nil {
		return nil, fmt.Errorf("the address %q cannot be used: %w", config.Address, err)
	}
	client.backends = longwirev1.NewBackendServiceClient(client.connection)
	client.jobs = longwirev1.NewJobServiceClient(client.connection)
	return client, nil
}

// Close ends the connection and all calls on it. Jobs go on.
func (c *Client) Close() error {
	return c.connection.Close()
}

// isLoopback says whether a host is this machine by its name or number alone.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	if err != nil {
		return strings.EqualFold(host, "localhost")
	}
	return address.IsLoopback()
}

func tlsCredentials(caFile string) (credentials.TransportCredentials, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("the authority's certificate: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", caFile)
		}
	}
	return credentials.NewTLS(config), nil
}

// bearer adds an API token to the metadata of every call.
type bearer struct {
	token   string
	usesTLS bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

// RequireTransportSecurity has gRPC refuse to send the token in plain text. On
// this machine's own network that is allowed: there, nobody listens in between.
func (b bearer) RequireTransportSecurity() bool {
	return b.usesTLS
}

// link notices whether a server was ever reached: whether a call was put on a
// connection that was ready. A server that was never there is given up sooner.
type link struct {
	reached atomic.Bool
}

func (l *link) HandleRPC(_ context.Context, event stats.RPCStats) {
	if _, ok := event.(*stats.OutHeader); ok {
		l.reached.Store(true)
	}
}

func (l *link) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (l *link) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (l *link) HandleConn(context.Context, stats.ConnStats)                       {}
