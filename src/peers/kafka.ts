import type * as Kafka from '@platformatic/kafka';
import { outsideAnyContext } from '../internal/timers.ts';
import { untraced } from '../internal/tracingSuppression.ts';
import { needed, requireInstalled } from './installed.ts';
import type { KafkaConnectionSettings } from './kafkaOptions.ts';

export type KafkaClient = typeof Kafka;

const NAME = '@platformatic/kafka';

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
