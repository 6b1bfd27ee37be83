/** The table of all authenticated routes, which the server, the OpenAPI document and the tests read. */

import { accessRoute } from './access/access-route.ts'
import type { Route } from './route.ts'
import { agentRoute } from './routes/agent-route.ts'
import { apiKeyRoutes } from './routes/api-key-routes.ts'
import { approvalRoutes } from './routes/approvals/approval-routes.ts'
import { contextRoutes } from './routes/context-routes.ts'
import { evaluationRoutes } from './routes/evaluation/evaluation-routes.ts'
import { experimentRoutes } from './routes/evaluation/experiment-routes.ts'
import { messageRoutes } from './routes/message-routes.ts'
import { metricRoutes } from './routes/metric-routes.ts'
import { operationRoutes } from './routes/operation-routes.ts'
import { allRunsRoute } from './routes/operations/all-runs-route.ts'
import { pastRunRoutes } from './routes/past-run-routes.ts'
import { runRoutes } from './routes/run-routes.ts'
import { scheduleRoutes } from './routes/schedule-routes.ts'
import { teamRoutes } from './routes/team-routes.ts'
import { threadRoutes } from './routes/threads/thread-routes.ts'
import { toolCallRoutes } from './routes/tool-calls/tool-call-routes.ts'
import { topicRoutes } from './routes/topic-routes.ts'
import { updateRoutes } from './routes/update-routes.ts'
import { usageRoutes } from './routes/usage/usage-routes.ts'

const ownRoutes: readonly Route[] = [
  ...runRoutes,
  ...threadRoutes,
  ...pastRunRoutes,
  ...toolCallRoutes,
  ...evaluationRoutes,
  ...experimentRoutes,
  ...scheduleRoutes,
  ...teamRoutes,
  ...approvalRoutes,
  ...usageRoutes,
  agentRoute,
  ...contextRoutes,
  ...topicRoutes,
  ...messageRoutes,
  ...metricRoutes,
  ...apiKeyRoutes,
  ...operationRoutes,
  allRunsRoute,
  ...updateRoutes,
]

export const routes: readonly Route[] = [...ownRoutes, accessRoute(ownRoutes)]
