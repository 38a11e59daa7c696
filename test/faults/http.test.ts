import { describeFaults } from './describeFaults.ts';

describeFaults('http');
