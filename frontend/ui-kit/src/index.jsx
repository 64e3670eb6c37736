// The digest app's panel on a Jira issue. It draws nothing itself: what it renders goes over
// the bridge to Jira, which draws it with its own components.

import ForgeReconciler from '@forge/react';
import React from 'react';

import { Panel } from './panel.jsx';

ForgeReconciler.render(
  <React.StrictMode>
    <Panel />
  </React.StrictMode>,
);
