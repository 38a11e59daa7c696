import { describeFaults } from './describeFaults.ts';

describeFaults('grpc');
