"""placeholder"""
class OpenposeFormat:
    name="openpose"; suffixes=("",)
    def matches(self,p): return False
