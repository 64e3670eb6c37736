// A page that does nothing by itself: a test makes its calls, through Atlassian's own bridge.

import * as bridge from '@forge/bridge';

globalThis.bridge = bridge;
