/** Supervises workers of a troupe, which are stopped with it and shown in its health check. */
import { type TroupeEvent, whenAborted } from '../core/index.ts'
import { type SuperviseChild, type SuperviseOptions, type Supervision, Supervisor } from '../messaging/index.ts'
import { runWorker, type WorkerPorts } from './run-worker.ts'

/** @throws ValidationError; CriticalError `supervision.escalated` */
export async function superviseWorkers(
  parts: WorkerPorts,
  user: string,
  children: readonly SuperviseChild[],
  options: SuperviseOptions,
  signal: AbortSignal | undefined,
): Promise<Supervision> {
  const { clock, random, events } = parts.platform
  const { supervisions } = parts.work
  const supervisor = new Supervisor(children, options, {
    clock,
    random,
    emit: (type, fields, error) =>
      events.emit(
        { ...fields, type, at: clock.now(), userId: user } as TroupeEvent<typeof type>,
        error === undefined ? undefined : () => ({ error }),
      ),
    start: (worker, watch) => runWorker(parts, user, worker, { watch }),
  })
  const stopWatching = whenAborted(signal, () => void supervisor.stop())
  supervisions.set(supervisor, user)
  void supervisor.ended.then(({ status }) => {
    stopWatching()
    // A supervisor that gave up stays in the list, so that the health check reports it.
    if (status === 'stopped') supervisions.delete(supervisor)
  })
  try {
    await supervisor.start()
    return supervisor
  } catch (error) {
    // The caller gets this error.
    supervisions.delete(supervisor)
    throw error
  }
}
