import type * as Kafka from '@platformatic/kafka';
import { outsideAnyContext } from '../internal/timers.ts';
import { untraced } from '../internal/tracingSuppression.ts';
import { anObject, aString, millis, must, optional, type Rules } from '../internal/validation.ts';
import { needed, requireInstalled } from './installed.ts';

export type KafkaClient = typeof Kafka;

const NAME = '@platformatic/kafka';

/** How a client proves who it is, as `@platformatic/kafka` takes it. */
export interface KafkaSaslOptions {
  /** `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `OAUTHBEARER` or `GSSAPI`. */
  mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER' | 'GSSAPI';
  /** The name of the user, or a function that returns it for each connection. Default: none. */
  username?: string | (() => string | Promise<string>);
  /** The password, or a function that returns it for each connection. Default: none. */
  password?: string | (() => string | Promise<string>);
  /** For `OAUTHBEARER`: the token, or a function that returns it for each connection. Default: none. */
  token?: string | (() => string | Promise<string>);
}

/** How brokers of Kafka are reached. */
export interface KafkaConnectionOptions {
  /** Where the cluster is asked for its brokers: `host:port`, at least one. More than one, so that one may be down. */
  brokers: readonly string[];
  /** What the brokers' logs and quotas call this client. Default: `spanflow`. */
  clientId?: string;
  /** TLS, with the options of Node's `tls.connect`: `{}` for the trust of the system, `{ ca, cert, key }` for one's own. Default: none, plain TCP. */
  tls?: object;
  /** How the client proves who it is. Use it with `tls`, or passwords travel in clear. Default: not at all. */
  sasl?: KafkaSaslOptions;
  /** How long a connection may take to be opened, in milliseconds: 1 or more, default 5,000. */
  connectTimeoutMillis?: number;
}

export type KafkaConnectionSettings = Required<Omit<KafkaConnectionOptions, 'tls' | 'sasl'>> & {
  readonly tls?: object | undefined;
  readonly sasl?: KafkaSaslOptions | undefined;
};

export const KAFKA_CONNECTION_DEFAULTS: Readonly<Omit<KafkaConnectionSettings, 'brokers'>> = Object.freeze({
  clientId: 'spanflow',
  tls: undefined,
  sasl: undefined,
  connectTimeoutMillis: 5_000,
});

export const aName = must('a string that is not empty', (value) => typeof value === 'string' && value !== '');

export const KAFKA_CONNECTION_RULES: Rules<KafkaConnectionSettings> = {
  brokers: must('an array of host:port, at least one', areBrokers),
  clientId: must('a string without spaces', (value) => typeof value === 'string' && /^\S+$/.test(value)),
  tls: optional(anObject),
  sasl: optional((value, option, call) => {
    anObject(value, option, call);
    const { mechanism } = (value ?? {}) as { mechanism?: unknown };
    if (typeof value === 'object') aString(mechanism, `${option}.mechanism`, call); // the rest is secret
  }),
  connectTimeoutMillis: millis(1),
};

function areBrokers(value: unknown): boolean {
  const isBroker = (broker: unknown) => typeof broker === 'string' && /^\S+:\d+$/.test(broker);
  return Array.isArray(value) && value.length > 0 && value.every(isBroker);
}

/** The connection's options, as the package names them. */
export function clientOptionsOf(settings: KafkaConnectionSettings) {
  const { brokers, clientId, tls, sasl, connectTimeoutMillis } = settings;
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: connectTimeoutMillis,
    ...(tls && { tls }),
    ...(sasl && { sasl }),
  };
}

let loaded: KafkaClient | undefined;

/**
 * Loads `@platformatic/kafka`, which holds the event loop for some 300 ms the first time.
 *
 * @param owner the function that the user has called
 * @throws SpanflowError `MISSING_PACKAGE`
 */
export function requireKafka(owner: string): KafkaClient {
  loaded ??= outsideAnyContext(() => untraced(() => needed<KafkaClient>(NAME, owner)));
  return loaded;
}

/** @throws SpanflowError `MISSING_PACKAGE` if it is not installed. */
export function findKafka(owner: string): void {
  requireInstalled(NAME, owner);
}

/** All errors that an error of the package consists of: it collects those of several brokers and attempts. */
export function* errorsIn(error: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (typeof error !== 'object' || error === null) return;
  const { errors } = error as { errors?: unknown };
  if (Array.isArray(errors)) for (const each of errors) yield* errorsIn(each);
  else yield error as Record<string, unknown>;
}

/** What the brokers answered, by the names of the protocol. */
export function answersIn(error: unknown): string[] {
  return [...errorsIn(error)].flatMap((each) => answerOf(each) ?? []);
}

/** What a broker answered, if it did. */
export function answerOf({ apiId, message }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof apiId === 'string') return apiId;
  // Of a topic that a broker does not know, the package makes an error of its own.
  return /^Unknown topic /.test(String(message)) ? 'UNKNOWN_TOPIC_OR_PARTITION' : undefined;
}

/** Whether an error says that the brokers do not let the client in. */
export function isUnauthenticated({ code, cause }: Readonly<Record<string, unknown>>): boolean {
  return (
    code === 'PLT_KFK_AUTHENTICATION' || (cause as { code?: unknown } | undefined)?.code === 'PLT_KFK_AUTHENTICATION'
  );
}
