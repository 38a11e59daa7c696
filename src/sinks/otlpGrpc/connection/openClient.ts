import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { ChannelCredentials, ChannelOptions, Client, VerifyOptions } from '@grpc/grpc-js';
import type { GrpcEndpoint } from '../../shared/configuration/grpcEndpoint.ts';
import type { ProxySettings } from '../../shared/configuration/proxy.ts';
import type { TlsMaterial } from '../../shared/configuration/tls.ts';
import type { ChannelSettings } from '../settings.ts';
import type { GrpcJs } from './grpcJs.ts';

/** `@grpc/grpc-js` always names a server in the TLS handshake, by its address too, which Node refuses (RFC 6066, 3). The certificate is compared with the address nevertheless. */
const NAMELESS = 'address.invalid';

/** A client of gRPC on a channel of its own, with the certificates and keys of this moment. It connects with the first call. */
export async function openClient(settings: ChannelSettings, grpc: GrpcJs): Promise<Client> {
  const { endpoint, tls, proxy } = settings;
  const credentials = endpoint.isSecure
    ? secured(grpc, await tls.current(), addressOf(endpoint))
    : grpc.ChannelCredentials.createInsecure();
  const target = proxy === undefined ? endpoint.target : targetOf(proxy);
  return new grpc.Client(target, credentials, optionsOf(settings, grpc));
}

function optionsOf(settings: ChannelSettings, grpc: GrpcJs): ChannelOptions {
  const { endpoint, proxy, compression, keepaliveMillis, maxResponseBytes, userAgent } = settings;
  return {
    'grpc.primary_user_agent': userAgent,
    'grpc.max_send_message_length': -1, // `maxRequestBytes` counts before
    'grpc.max_receive_message_length': maxResponseBytes,
    // What retries and who is asked is decided by spanflow and its settings alone, or its books would not add up.
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_channelz': 0,
    ...(keepaliveMillis < Number.POSITIVE_INFINITY && { 'grpc.keepalive_time_ms': keepaliveMillis }),
    ...(compression === 'gzip' && { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip }),
    ...(endpoint.isSecure && addressOf(endpoint) !== undefined && { 'grpc.ssl_target_name_override': NAMELESS }),
    ...(proxy !== undefined && tunnelTo(endpoint.target, proxy)),
  };
}

/** `@grpc/grpc-js` asks a proxy for a tunnel by these two options, which it otherwise makes from variables of its own, by rules of its own. */
function tunnelTo(target: string, { authorization }: ProxySettings): ChannelOptions {
  const credentials = authorization?.replace(/^Basic /, '');
  return {
    'grpc.http_connect_target': target,
    'grpc.default_authority': target.replace(/^dns:/, ''),
    ...(credentials !== undefined && { 'grpc.http_connect_creds': Buffer.from(credentials, 'base64').toString() }),
  };
}

function targetOf({ url }: ProxySettings): string {
  return `dns:${url.hostname}:${url.port || 80}`;
}

function secured(
  grpc: GrpcJs,
  { ca, cert, key, rejectUnauthorized }: TlsMaterial,
  address: string | undefined,
): ChannelCredentials {
  const verify: VerifyOptions = {
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
    ...(address !== undefined && {
      checkServerIdentity: (_, certificate) => checkServerIdentity(address, certificate),
    }),
  };
  return grpc.ChannelCredentials.createSsl(bundleOf(ca), bytesOf(key), bytesOf(cert), verify);
}

/** The host, where it is an address. */
function addressOf({ url }: GrpcEndpoint): string | undefined {
  const host = url?.hostname.replace(/^\[(.+)\]$/, '$1') ?? '';
  return isIP(host) === 0 ? undefined : host;
}

function bundleOf(ca: TlsMaterial['ca']): Buffer | null {
  const all = ca === undefined ? [] : [ca].flat();
  return all.length === 0 ? null : Buffer.from(all.map((pem) => pem.toString()).join('\n'));
}

function bytesOf(pem: string | Buffer | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
