// What encoding and decoding cost.

import { codecRows } from '../codec.ts';
import { given, program } from '../support/program.ts';
import type { RoundsOptions } from '../support/rounds.ts';
import type { Row } from '../support/table.ts';

const options = given<RoundsOptions>();

program(async (): Promise<Row[]> => codecRows(options));
