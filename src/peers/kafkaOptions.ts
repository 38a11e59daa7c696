// Apart from what loads the package: a program that does without it does not have its types either.

import { anObject, aString, millis, must, optional, type Rules } from '../internal/validation.ts';

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
