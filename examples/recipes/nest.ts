/**
 * Nest: the pipeline shuts down when the server has closed. `enableShutdownHooks` has a SIGTERM close the application; `onApplicationShutdown` comes after the connections, so that the spans of the last requests are sent, too.
 *
 *     npm install @nestjs/core @nestjs/common @nestjs/platform-express reflect-metadata @opentelemetry/sdk-node
 *
 * Nest's decorators have to be compiled: by `nest start`, or by `tsc` with `experimentalDecorators`. For spans of each request, load the instrumentations as `express.ts` does, in a file of their own: `node --import ./telemetry.js main.js`.
 */
import 'reflect-metadata';
import { Controller, Get, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { otlpHttp, spanPipeline } from 'spanflow';

const pipeline = spanPipeline({ sink: otlpHttp() }); // to OTEL_EXPORTER_OTLP_ENDPOINT
const sdk = new NodeSDK({ serviceName: 'shop', spanProcessors: [pipeline.processor] });
sdk.start();
const tracer = trace.getTracer('shop');

@Injectable()
class Telemetry implements OnApplicationShutdown {
  async onApplicationShutdown(): Promise<void> {
    await sdk.shutdown(); // at most 10 s: shutdownDeadlineMillis
    console.log(`${pipeline.stats().delivered} spans delivered`);
  }
}

@Controller('orders')
class OrdersController {
  @Get()
  list() {
    return tracer.startActiveSpan('list orders', (span) => {
      span.end();
      return ['lamp', 'book'];
    });
  }
}

@Module({ controllers: [OrdersController], providers: [Telemetry] })
class AppModule {}

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks(['SIGTERM', 'SIGINT']);
const { PORT = '3000', HOST = '0.0.0.0' } = process.env;
await app.listen(Number(PORT), HOST);
