"""Faces in pictures: detectors, and boxes that another detector wrote down."""

from avtools.faces.detector import Detector, detector

__all__ = ["Detector", "detector"]
