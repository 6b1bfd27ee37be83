/** Every route of the server that does something for somebody: the one table that the server, its page and its tests read. */
import type { Route } from './route.ts'
import { contextRoutes } from './routes/context.ts'
import { evaluationRoutes } from './routes/evaluations.ts'
import { keyRoutes } from './routes/keys.ts'
import { messageRoutes } from './routes/messages.ts'
import { operationRoutes } from './routes/operations.ts'
import { pastRunRoutes } from './routes/past-runs.ts'
import { runRoutes } from './routes/runs.ts'
import { scheduleRoutes } from './routes/schedules.ts'
import { teamRoutes } from './routes/teams.ts'
import { topicRoutes } from './routes/topics.ts'

export const routes: readonly Route[] = [
  ...runRoutes,
  ...pastRunRoutes,
  ...evaluationRoutes,
  ...scheduleRoutes,
  ...teamRoutes,
  ...contextRoutes,
  ...topicRoutes,
  ...messageRoutes,
  ...keyRoutes,
  ...operationRoutes,
]
