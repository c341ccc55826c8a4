import { UsageError, type Random } from '@forgelens/autograd';
import type { Image, Mask } from '@forgelens/imaging/pixels';

import type { Pictures } from '../pictures.ts';
import {
  boundingBox,
  mergeSegments,
  polygonArea,
  polygonBox,
  polygonMask,
  readPolygons,
  segmentMask,
  type Box,
  type Polygon,
} from './regions.ts';
import type { Material } from '../sample.ts';
import type { ObjectChoice } from './recipe.ts';

/** The photographs that forgeries are made of, by id, with the objects in them. */
export class Photographs {
  readonly material: readonly Material[];
  private readonly byId: ReadonlyMap<string, Material>;
  private readonly pictures: Pictures;
  private readonly areas = new Map<string, number>();
  private readonly outlines = new Map<string, readonly Polygon[]>();
  private readonly grey = new Map<string, boolean>();

  constructor(material: readonly Material[], pictures: Pictures) {
    this.material = material;
    this.byId = new Map(material.map(item => [item.id, item]));
    this.pictures = pictures;
  }

  /** @throws {UsageError} when no photograph of the material has this id. */
  find(id: string): Material {
    const found = this.byId.get(id);
    if (found === undefined)
      throw new UsageError(
        `no photograph ${id} among the ${this.byId.size} of the material; take the material of the recipe`,
      );
    return found;
  }

  /** @throws {DataError} when its file is not a picture. */
  image({ image }: Material): Promise<Image> {
    return this.pictures.image(image);
  }

  /**
   * One of the objects that the material knows in the photograph, of an area within bounds; null when none is found.
   *
   * @param least - px²
   * @param most - px²
   */
  async pickObject(random: Random, material: Material, least: number, most: number): Promise<ObjectChoice | null> {
    const { objects } = material;
    const fits = (area: number) => area >= least && area <= most;
    switch (objects.kind) {
      case 'mask':
        return fits(await this.maskArea(objects.path)) ? { from: 'mask' } : null;
      case 'polygons': {
        const polygons = await this.polygons(material);
        const fitting = polygons.flatMap((points, line) => (points && fits(polygonArea(points)) ? [line] : []));
        return fitting.length === 0 ? null : { from: 'polygon', line: random.pick(fitting) };
      }
      case 'segments': {
        const labels = mergeSegments(random, await this.pictures.labels(objects.path), least, most);
        return labels && { from: 'segments', labels };
      }
    }
  }

  /** The largest objects that the material knows in the photograph, as rectangles in its pixels. */
  async mainObjects(material: Material): Promise<Box[]> {
    const { objects } = material;
    switch (objects.kind) {
      case 'mask': {
        const box = boundingBox(await this.pictures.mask(objects.path));
        return box === null ? [] : [box];
      }
      case 'polygons':
        return (await this.polygons(material))
          .filter(points => points !== null)
          .toSorted((a, b) => polygonArea(b) - polygonArea(a))
          .slice(0, 3)
          .map(polygonBox);
      case 'segments':
        return [];
    }
  }

  /** Whether a photograph is in black and white, or nearly so. */
  async isGrey(material: Material): Promise<boolean> {
    const known = this.grey.get(material.id);
    if (known !== undefined) return known;
    const { data } = await this.image(material);
    const pixels = 500;
    let difference = 0;
    for (let n = 0; n < pixels; n++) {
      const i = 3 * Math.floor(((n + 0.5) * data.length) / 3 / pixels);
      difference += Math.abs(data[i]! - data[i + 1]!) + Math.abs(data[i + 1]! - data[i + 2]!);
    }
    const isGrey = difference / pixels < 6;
    this.grey.set(material.id, isGrey);
    return isGrey;
  }

  private async polygons({ id, width, height, objects }: Material): Promise<readonly Polygon[]> {
    const known = this.outlines.get(id) ?? readPolygons(await this.pictures.text(objects.path), width, height);
    this.outlines.set(id, known);
    return known;
  }

  private async maskArea(path: string): Promise<number> {
    const known = this.areas.get(path);
    if (known !== undefined) return known;
    const { data } = await this.pictures.mask(path);
    let area = 0;
    for (let i = 0; i < data.length; i++) area += data[i]!;
    this.areas.set(path, area);
    return area;
  }

  /**
   * Where the object is, in a mask of the photograph's size.
   *
   * @throws {UsageError} when the photograph has no such object.
   */
  async object(material: Material, choice: ObjectChoice): Promise<Mask> {
    const { id, width, height, objects } = material;
    if (choice.from === 'outline') return polygonMask(choice.points, width, height);
    if (choice.from === 'mask' && objects.kind === 'mask') return this.pictures.mask(objects.path);
    if (choice.from === 'segments' && objects.kind === 'segments')
      return segmentMask(await this.pictures.labels(objects.path), choice.labels);
    if (choice.from === 'polygon' && objects.kind === 'polygons') {
      const points = (await this.polygons(material))[choice.line];
      if (points) return polygonMask(points, width, height);
    }
    throw new UsageError(
      `${id} has no object from ${choice.from}, its objects are ${objects.kind}; take the material of the recipe`,
    );
  }
}
