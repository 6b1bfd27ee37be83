/** The topology of a run, with what each node does just now. */
import '@xyflow/react/dist/style.css'
import {
  BaseEdge,
  Controls,
  type Edge,
  type EdgeProps,
  getViewportForBounds,
  Handle,
  MarkerType,
  MiniMap,
  type MiniMapNodeProps,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
} from '@xyflow/react'
import { type CSSProperties, memo, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import type { Topology } from '../api/shapes.ts'
import { useAppearance } from '../appearance.tsx'
import { count } from '../format.ts'
import type { NodeState } from '../run-state.ts'
import { type DrawnConnection, fitting, sizeOf } from './layout.ts'
import { Status, StatusCount } from './status.tsx'
import './graph.css'

/** The gravest severity of what the check of a team finds at a node, and how much it finds there. */
export interface NodeFinding {
  readonly severity: 'error' | 'warning' | 'advice'
  readonly count: number
}

type AgentNode = Node<
  {
    readonly label: string
    readonly kind: string
    readonly state: NodeState | undefined
    readonly finding: NodeFinding | undefined
    readonly isDown: boolean
  },
  'agent'
>

function AgentBox({ data }: NodeProps<AgentNode>) {
  return (
    <div className={`node node-${data.kind} node-${data.state?.state ?? 'idle'}`}>
      <Handle type="target" position={data.isDown ? Position.Top : Position.Left} isConnectable={false} />
      <span className="node-name">{data.label}</span>
      {data.state && <States of={data.state} />}
      {data.finding && <Status status={data.finding.severity} reason={count(data.finding.count)} />}
      <Handle type="source" position={data.isDown ? Position.Bottom : Position.Right} isConnectable={false} />
    </div>
  )
}

/** Shows the state of a single branch as a word, and counts many branches by state. */
function States({ of: { state, branches } }: { readonly of: NodeState }) {
  const [first = 0, ...others] = branches.values()
  if (others.length === 0) return <Status status={state} reason={first > 1 ? count(first) : undefined} />
  return (
    <span className="node-states">
      {[...branches].map(([one, of]) => (
        <StatusCount key={one} status={one} of={of} />
      ))}
    </span>
  )
}

function stateText(node: NodeState | undefined): string {
  if (node === undefined) return 'not begun'
  const { state, branches } = node
  const isOne = branches.size === 1 && branches.get(state) === 1
  return isOne || branches.size === 0 ? state : [...branches].map(([one, of]) => `${count(of)} ${one}`).join(', ')
}

type ConnectionEdge = Edge<{ readonly drawn: DrawnConnection }, 'connection'>

/** One line for all edges of a pair, along the path of the layout. */
function ConnectionLine({ data, label, markerStart, markerEnd }: EdgeProps<ConnectionEdge>) {
  if (data === undefined) return null
  const at = data.drawn.label
  return (
    <BaseEdge
      path={data.drawn.path}
      {...(markerStart === undefined ? {} : { markerStart })}
      {...(markerEnd === undefined ? {} : { markerEnd })}
      {...(at && label ? { label, labelX: at.x, labelY: at.y } : {})}
    />
  )
}

const nodeTypes = { agent: AgentBox }
const edgeTypes = { connection: ConnectionLine }
/** More nodes than that rarely fit in readable size. */
const overviewFrom = 40
/** More nodes than that are drawn only where one looks. */
const largeGraph = 100

/** On a phone a team is drawn the way in which it is larger: a chain from top to bottom, a hub with its spokes beside it. */
const phone = matchMedia('(max-width: 40rem)')
const subscribe = (changed: () => void) => {
  phone.addEventListener('change', changed)
  return () => phone.removeEventListener('change', changed)
}

interface GraphProps {
  readonly topology: Topology
  readonly states: ReadonlyMap<string, NodeState>
  /** What is found at nodes, by their names. */
  readonly findings?: ReadonlyMap<string, NodeFinding>
  /** How often each edge was taken, by its index. */
  readonly edgeUses?: ReadonlyMap<number, number>
}

const never: ReadonlyMap<number, number> = new Map()
const noFindings: ReadonlyMap<string, NodeFinding> = new Map()

const findingText = (finding: NodeFinding | undefined) => finding && `${finding.severity}: ${count(finding.count)}`

/** The arrows of a label point as the line is drawn: the second node of a connection may be before the first. */
const arrows = { right: '→', left: '←', down: '↓', up: '↑' } as const

interface LabelOptions {
  readonly uses: ReadonlyMap<number, number>
  readonly arrow: (from: string, to: string) => string
  /** A phone has no space for the type of an edge; how often it was taken is short. */
  readonly isNarrow: boolean
}

function labelOf({ from, to, forward, backward, types }: DrawnConnection, options: LabelOptions): string {
  const { uses, arrow, isNarrow } = options
  const times = (edges: readonly number[]) => edges.reduce((sum, i) => sum + (uses.get(i) ?? 0), 0)
  const [there, back] = [times(forward), times(backward)]
  const isPair = forward.length > 0 && backward.length > 0
  return [
    ...(isNarrow ? [] : [types.join(', ')]),
    there > 0 ? (isPair ? `${arrow(from, to)}${count(there)}` : `${count(there)}×`) : '',
    back > 0 ? `${arrow(to, from)}${count(back)}` : '',
  ]
    .filter(Boolean)
    .join(' ')
}

/** As dark as its line. */
const arrowheads = {
  used: { type: MarkerType.ArrowClosed, color: 'var(--ink-2)' },
  unused: { type: MarkerType.ArrowClosed, color: 'var(--mark)' },
}

const fitOptions = { minZoom: 0.05, maxZoom: 1, padding: 0.1 } as const
/** The names of nodes that are drawn smaller cannot be read. */
const readableZoom = 0.6

/**
 * Fits the drawing into its place again when the place has another width, as beside an opened panel. A drawing that would be too
 * small to be read opens around one node, and an overview leads to the others. In another width such a drawing has the same
 * point in its middle.
 */
function FitToWidth({ first }: { readonly first: string }) {
  const width = useStore((store) => store.width)
  const height = useStore((store) => store.height)
  const { fitView, setCenter, getNode, getNodes, getNodesBounds, getViewport, setViewport } = useReactFlow()
  /** The width in which the drawing was too small to be read. */
  const widthBefore = useRef<number>(undefined)
  useEffect(() => {
    if (width === 0 || height === 0) return
    const before = widthBefore.current
    const { minZoom, maxZoom, padding } = fitOptions
    const fit = getViewportForBounds(getNodesBounds(getNodes()), width, height, minZoom, maxZoom, padding)
    const node = fit.zoom < readableZoom ? getNode(first) : undefined
    widthBefore.current = node && before && width
    if (node !== undefined && before !== undefined) {
      const { x, y, zoom } = getViewport()
      void setViewport({ x: x + (width - before) / 2, y, zoom })
      return
    }
    void fitView(fitOptions).then(() => {
      if (node === undefined) return
      const { width: wide = 0, height: high = 0 } = node.measured ?? {}
      widthBefore.current = width
      return setCenter(node.position.x + wide / 2, node.position.y + high / 2, { zoom: readableZoom })
    })
  }, [width, height, fitView, setCenter, getNode, getNodes, getNodesBounds, getViewport, setViewport, first])
  return null
}

/** Draws a node of the overview. Its outline has a width in px of the screen: of a large team the node alone would not be seen. */
const OverviewNode = ({ x, y, width, height, color, className }: MiniMapNodeProps) => (
  <rect className={className} x={x} y={y} width={width} height={height} fill={color} stroke={color} />
)
const overviewClass = ({ data }: AgentNode): string =>
  urgent.some((state) => state === data.state?.state) ? 'overview-node urgent' : 'overview-node'

/** The states that need the reader first. */
const urgent = ['failed', 'waiting', 'working'] as const

const firstNode = ({ nodes }: Topology, states: ReadonlyMap<string, NodeState>): string =>
  urgent.flatMap((state) => nodes.find(({ name }) => states.get(name)?.state === state)?.name ?? [])[0] ??
  nodes.find(({ kind }) => kind === 'start')?.name ??
  ''

const overviewColour = ({ data }: AgentNode): string => `var(--node-${data.state?.state ?? 'idle'}, var(--line-2))`

/** A reader of the page does not read the text of an application, which a drawing of React Flow is by default. */
const asGroup = (drawing: HTMLElement | null) => {
  drawing?.setAttribute('role', 'group')
  drawing?.setAttribute('aria-label', 'Drawing of the team')
}

export const Graph = memo(function Graph(props: GraphProps) {
  const { topology, states, edgeUses = never, findings = noFindings } = props
  const appearance = useAppearance()
  const isNarrow = useSyncExternalStore(subscribe, () => phone.matches)
  // Later events do not move what the reader looks at.
  const [first] = useState(() => firstNode(topology, states))
  const isLarge = topology.nodes.length > overviewFrom
  const { positions, connections, isDown, tall, overview } = useMemo(
    () => fitting(topology, isNarrow),
    [topology, isNarrow],
  )
  const nodes: AgentNode[] = topology.nodes.map(({ name, kind }) => ({
    id: name,
    type: 'agent',
    position: positions.get(name) ?? { x: 0, y: 0 },
    data: { label: name, kind, state: states.get(name), finding: findings.get(name), isDown },
    ariaLabel: [name, stateText(states.get(name)), findingText(findings.get(name))].filter(Boolean).join(', '),
    ariaRole: 'group',
    // Known beforehand: what must be measured is not seen until it is, anew at each event.
    measured: sizeOf(isNarrow),
    draggable: false,
    connectable: false,
  }))
  const arrow = (from: string, to: string) => {
    const [a, b] = [positions.get(from) ?? { x: 0, y: 0 }, positions.get(to) ?? { x: 0, y: 0 }]
    if (isDown) return a.y <= b.y ? arrows.down : arrows.up
    return a.x <= b.x ? arrows.right : arrows.left
  }
  const edges: ConnectionEdge[] = connections.map((drawn) => {
    const { from, to, forward, backward } = drawn
    const isUsed = [...forward, ...backward].some((i) => edgeUses.has(i))
    const arrowhead = isUsed ? arrowheads.used : arrowheads.unused
    return {
      id: JSON.stringify([from, to]),
      type: 'connection',
      source: from,
      target: to,
      data: { drawn },
      animated:
        (forward.length > 0 && states.get(to)?.state === 'working') ||
        (backward.length > 0 && states.get(from)?.state === 'working'),
      className: isUsed ? 'used' : '',
      label: labelOf(drawn, { uses: edgeUses, arrow, isNarrow }),
      ...(forward.length > 0 ? { markerEnd: arrowhead } : {}),
      ...(backward.length > 0 ? { markerStart: arrowhead } : {}),
    }
  })
  const map = isLarge && (
    <MiniMap
      ariaLabel="Overview of the team"
      pannable
      zoomable
      nodeColor={overviewColour}
      nodeClassName={overviewClass}
      nodeComponent={OverviewNode}
      style={overview}
    />
  )
  return (
    <ReactFlowProvider key={isNarrow ? 'narrow' : 'wide'}>
      <div className="graph" style={{ '--graph-height': `${tall + 96}px` } as CSSProperties}>
        <ReactFlow
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          edgeTypes={edgeTypes}
          fitView
          fitViewOptions={fitOptions}
          // A node does nothing when it is pressed: a keyboard does not pass it, and a reader of the page reads it as text.
          nodesFocusable={false}
          disableKeyboardA11y
          ref={asGroup}
          edgesFocusable={false}
          nodesConnectable={false}
          zoomOnScroll={false}
          preventScrolling={false}
          minZoom={fitOptions.minZoom}
          onlyRenderVisibleElements={topology.nodes.length > largeGraph}
          colorMode={appearance === 'dark' ? 'dark' : 'light'}
          proOptions={{ hideAttribution: true }}
        >
          <FitToWidth first={first} />
          {!isNarrow && map}
          <Controls showInteractive={false} orientation="horizontal" />
        </ReactFlow>
      </div>
      {/* On a phone the overview would cover the drawing. */}
      {isNarrow && map}
    </ReactFlowProvider>
  )
})
