import { NODE } from './control-plane.ts';
import { IMAGE } from './image.ts';
import { PATIENCE } from './wait.ts';

/** A container of a pod. */
export function container(name: string, command: readonly string[], more: object = {}): object {
  return { name, image: IMAGE, imagePullPolicy: 'Never', command, ...more };
}

export function pod(name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { nodeName: NODE, ...spec } };
}

export function runtimeClass(name: string, handler: string, more: object = {}): object {
  return { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name }, handler, ...more };
}

/** A probe that runs a command each second. */
export function probe(command: readonly string[], more: object = {}): object {
  return { exec: { command }, periodSeconds: 1, timeoutSeconds: PATIENCE, ...more };
}
